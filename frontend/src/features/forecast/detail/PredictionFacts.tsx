import { Alert, Code, Group, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { PredictionDetail } from '@/api/predictionDetail';
import { isInside } from '@/features/forecast/outcome';
import { useFormat } from '@/shared/format/useFormat';

/** Which model and which data made a prediction, and what came of it. */
export function PredictionFacts({ detail }: { detail: PredictionDetail }) {
  const { t } = useTranslation();
  const format = useFormat();
  const version = detail.model_version ? ` · ${t('model.version', { version: detail.model_version })}` : '';
  const facts: [string, ReactNode][] = [
    [t('detail.outcome'), <Outcome key="outcome" detail={detail} />],
    [t('history.model'), `${detail.model_name}${version}`],
    [t('detail.made'), format.instant(detail.made_at)],
    [t('detail.origin'), t(`feed.origin.${detail.origin ?? 'api'}`)],
    [t('detail.run'), detail.run_id ? <Code key="run">{detail.run_id}</Code> : '–'],
    [t('detail.features'), <Code key="features">{detail.feature_version}</Code>],
    [t('detail.data'), <Code key="data">{detail.data_version}</Code>],
    [t('detail.adapted'), detail.adapted_through ? format.session(detail.adapted_through) : '–'],
  ];
  return (
    <Stack gap="xs">
      <Title order={3} fz="md">
        {t('detail.facts')}
      </Title>
      {detail.stale && (
        <Alert color="yellow" icon={<IconAlertTriangle size={18} />}>
          {t('detail.stale')}
        </Alert>
      )}
      {detail.out_of_range && detail.out_of_range.length > 0 && (
        <Alert color="yellow" icon={<IconAlertTriangle size={18} />}>
          {t('detail.outOfRange', { names: detail.out_of_range.join(', ') })}
        </Alert>
      )}
      {facts.map(([name, value]) => (
        <Group key={name} justify="space-between" gap="md" wrap="nowrap" align="baseline">
          <Text fz="sm" className="muted nowrap">
            {name}
          </Text>
          <Text component="div" fz="sm" ta="right" style={{ overflowWrap: 'anywhere' }}>
            {value}
          </Text>
        </Group>
      ))}
    </Stack>
  );
}

function Outcome({ detail }: { detail: PredictionDetail }) {
  const { t } = useTranslation();
  const format = useFormat();
  const actual = detail.actual_close;
  if (actual == null) return t('history.open');
  const inside =
    detail.lower == null ? '' : t(isInside(detail, actual) ? 'history.inside' : 'history.outside');
  const error = detail.error_pct == null ? '' : format.change(detail.error_pct);
  return [format.price(actual), error, inside].filter(Boolean).join(' · ');
}
