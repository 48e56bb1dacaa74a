import { Anchor, Badge, Group, Select, Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { ModelDetail, ModelVersion } from '@/api/models';
import { useModelTypeText } from '@/features/forecast/modelTypeText';
import { useFormat } from '@/shared/format/useFormat';
import { PageHeader } from '@/shared/ui/PageHeader';
import { ModelActions } from './ModelActions';
import { useModelPage } from './useModelPage';

interface ModelHeadingProps {
  model: ModelDetail;
  version: ModelVersion | undefined;
}

/** What the model is called and noted of it, which version is shown, and what one can do with it. */
export function ModelHeading({ model, version }: ModelHeadingProps) {
  const { t } = useTranslation();
  const text = useModelTypeText();
  return (
    <Stack gap="xs">
      <Anchor renderRoot={(props) => <Link to="/models" {...props} />} fz="sm">
        {t('nav.models')}
      </Anchor>
      <PageHeader
        title={model.name}
        subtitle={model.description || undefined}
        actions={<ModelActions model={model} version={version} />}
      />
      <Group gap="xs">
        <Subject model={model} />
        <Badge color="indigo">{text.title(model.model_type)}</Badge>
        <Badge color="gray">{t('models.sessions', { count: Number(model.spec.horizon) })}</Badge>
        {model.tags.map((tag) => (
          <Badge key={tag} color="gray" variant="outline">
            {tag}
          </Badge>
        ))}
      </Group>
      {version && <VersionSelect model={model} version={version} />}
    </Stack>
  );
}

function Subject({ model }: { model: ModelDetail }) {
  const { t } = useTranslation();
  const { exchange, ticker } = model;
  if (ticker === null) {
    const members = Array.isArray(model.spec.tickers) ? model.spec.tickers.length : 0;
    return <Badge color="gray">{t('models.panel', { name: model.panel ?? '', count: members })}</Badge>;
  }
  return (
    <Badge
      color="gray"
      component="span"
      renderRoot={(props) => <Link to="/stock/$exchange/$ticker" params={{ exchange, ticker }} {...props} />}
      style={{ cursor: 'pointer' }}
    >
      {exchange}:{ticker}
    </Badge>
  );
}

function VersionSelect({ model, version }: { model: ModelDetail; version: ModelVersion }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { update } = useModelPage();
  return (
    <Group gap="sm" mt={4}>
      <Select
        size="xs"
        w={220}
        aria-label={t('modelDetail.version')}
        value={String(version.version)}
        onChange={(value) => {
          update({ version: value === null ? undefined : Number(value) });
        }}
        data={model.versions.map((item) => ({
          value: String(item.version),
          label: item.alias
            ? `${t('model.version', { version: item.version })} · ${t(`gate.alias.${item.alias}`)}`
            : t('model.version', { version: item.version }),
        }))}
        data-testid="version-select"
      />
      <Text fz="sm" className="muted">
        {t('modelDetail.trainedUntil', {
          day: format.session(version.trained_until),
          at: format.instant(version.created_at),
        })}
      </Text>
    </Group>
  );
}
