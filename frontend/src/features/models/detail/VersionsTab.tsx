import { Badge, Button, Card, Checkbox, Group, Text } from '@mantine/core';
import { IconArrowsDiff } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { TFunction } from 'i18next';
import { useMemo, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { ModelDetail, ModelVersion } from '@/api/models';
import { horizonScores } from '@/features/forecast/evaluation';
import type { Format } from '@/shared/format/format';
import { useFormat } from '@/shared/format/useFormat';
import type { Column } from '@/shared/table/columns';
import { DataTable } from '@/shared/table/DataTable';
import { SkillBadge } from '../SkillBadge';
import { PromoteDialog } from './PromoteDialog';
import { useModelPage } from './useModelPage';
import { PromoteButton, RivalLink } from './VersionButtons';

/** All versions: which serves, how good each is, and two of them to compare. */
export function VersionsTab({ model }: { model: ModelDetail }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { search, update } = useModelPage();
  const [promoting, setPromoting] = useState<number | null>(null);
  const { a, b } = search;
  const columns = useMemo(() => {
    const tick = (version: number) => {
      if (version === a) update({ a: b, b: undefined });
      else if (version === b) update({ b: undefined });
      else if (a === undefined) update({ a: version });
      else update({ b: version });
    };
    return columnsOf(t, format, {
      choose: ({ version }) => (
        <Checkbox
          size="xs"
          aria-label={t('modelDetail.compare.choose', { version })}
          checked={version === a || version === b}
          onChange={() => {
            tick(version);
          }}
        />
      ),
      act: (version) => (
        <Group gap={6} justify="flex-end" wrap="nowrap">
          <RivalLink modelId={model.model_id} version={version} />
          <PromoteButton version={version} onPress={setPromoting} />
        </Group>
      ),
    });
  }, [t, format, a, b, update, model.model_id]);
  return (
    <Card component="section">
      <DataTable
        label={t('modelDetail.tab.versions')}
        columns={columns}
        rows={model.versions}
        rowKey={(version) => String(version.version)}
        csv={`${model.registered_name}-versions`}
        toolbar={<CompareLink model={model} />}
        testId="versions-table"
      />
      {promoting !== null && (
        <PromoteDialog
          model={model}
          version={promoting}
          onClose={() => {
            setPromoting(null);
          }}
        />
      )}
    </Card>
  );
}

function CompareLink({ model }: { model: ModelDetail }) {
  const { t } = useTranslation();
  const { search } = useModelPage();
  const { a, b } = search;
  if (a === undefined || b === undefined) {
    return (
      <Text fz="sm" className="muted">
        {t('modelDetail.compare.hint')}
      </Text>
    );
  }
  return (
    <Button
      size="xs"
      variant="light"
      leftSection={<IconArrowsDiff size={14} />}
      renderRoot={(props) => (
        <Link
          to="/models/$modelId/compare"
          params={{ modelId: model.model_id }}
          search={{ a, b }}
          {...props}
        />
      )}
      data-testid="compare"
    >
      {t('modelDetail.compare.go', { a, b })}
    </Button>
  );
}

interface Cells {
  choose: (version: ModelVersion) => ReactNode;
  act: (version: ModelVersion) => ReactNode;
}

function columnsOf(t: TFunction, format: Format, cells: Cells): Column<ModelVersion>[] {
  const scoresOf = (version: ModelVersion) => horizonScores(version.metrics);
  return [
    { id: 'choose', header: '', value: () => null, cell: cells.choose, exported: false },
    {
      id: 'version',
      header: t('modelDetail.column.version'),
      value: (version) => version.version,
      cell: (version) => (
        <Group gap={6} wrap="nowrap">
          <strong>{version.version}</strong>
          {version.alias && (
            <Badge color={version.alias === 'champion' ? 'teal' : 'yellow'}>
              {t(`gate.alias.${version.alias}`)}
            </Badge>
          )}
        </Group>
      ),
    },
    {
      id: 'skill',
      header: t('models.column.skill'),
      hint: t('models.column.skillHint'),
      value: (version) => scoresOf(version)[0]?.skill,
      cell: (version) => {
        const scores = scoresOf(version);
        const better = scores.filter((score) => score.beatsRandomWalk).map((score) => score.horizon);
        return <SkillBadge skill={scores[0]?.skill ?? null} better={better} />;
      },
    },
    {
      id: 'coverage',
      header: t('scores.coverage'),
      value: (version) => scoresOf(version)[0]?.coverage,
      cell: (version) => {
        const coverage = scoresOf(version)[0]?.coverage ?? null;
        return coverage === null ? '–' : format.percent(coverage, 1);
      },
      align: 'right',
      visibleFrom: 'sm',
    },
    {
      id: 'until',
      header: t('models.column.until'),
      hint: t('models.column.untilHint'),
      value: (version) => version.trained_until,
      cell: (version) => format.session(version.trained_until),
      visibleFrom: 'sm',
    },
    {
      id: 'created',
      header: t('modelDetail.column.created'),
      value: (version) => version.created_at,
      cell: (version) => format.instant(version.created_at),
      visibleFrom: 'md',
    },
    {
      id: 'data',
      header: t('modelDetail.column.data'),
      value: (version) => version.data_version,
      cell: (version) => <code title={version.data_version}>{version.data_version.slice(0, 10)}</code>,
      visibleFrom: 'lg',
    },
    { id: 'act', header: '', value: () => null, cell: cells.act, exported: false, align: 'right' },
  ];
}
