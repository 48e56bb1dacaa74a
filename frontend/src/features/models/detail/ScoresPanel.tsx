import { Alert } from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconEqual } from '@tabler/icons-react';
import type { TFunction } from 'i18next';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { SUSPICIOUS_SKILL, type HorizonScore } from '@/features/forecast/evaluation';
import type { Format } from '@/shared/format/format';
import { useFormat } from '@/shared/format/useFormat';
import type { Column } from '@/shared/table/columns';
import { DataTable } from '@/shared/table/DataTable';
import { Panel } from '@/shared/ui/Panel';

/** What walk-forward validation found, horizon by horizon, with the verdict that it comes to. */
export function ScoresPanel({ scores }: { scores: readonly HorizonScore[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const columns = useMemo(() => columnsOf(t, format), [t, format]);
  const better = scores.filter((score) => score.beatsRandomWalk).map((score) => score.horizon);
  const suspicious = scores.some((score) => (score.skill ?? 0) > SUSPICIOUS_SKILL);
  return (
    <Panel title={t('scores.title')} description={t('scores.subtitle')}>
      <Alert
        color={better.length > 0 ? 'teal' : 'gray'}
        icon={better.length > 0 ? <IconCheck size={18} /> : <IconEqual size={18} />}
        data-testid="scores-verdict"
      >
        {better.length > 0
          ? t('train.better', { horizons: better.join(', '), count: better.length })
          : t('train.notBetter')}
      </Alert>
      {suspicious && (
        <Alert color="yellow" icon={<IconAlertTriangle size={18} />}>
          {t('train.suspicious')}
        </Alert>
      )}
      {scores.length > 0 && (
        <DataTable
          label={t('scores.title')}
          columns={columns}
          rows={scores}
          rowKey={(score) => String(score.horizon)}
          csv="scores"
          maxHeight={420}
          testId="scores-table"
        />
      )}
    </Panel>
  );
}

type Share = keyof Pick<
  HorizonScore,
  'skill' | 'pValue' | 'rmse' | 'randomWalkRmse' | 'directionAccuracy' | 'auc' | 'brier' | 'coverage'
>;

function columnsOf(t: TFunction, format: Format): Column<HorizonScore>[] {
  const number = (
    id: Share,
    header: string,
    write: (value: number) => string,
    more: Partial<Column<HorizonScore>> = {},
  ): Column<HorizonScore> => ({
    id,
    header,
    value: (score) => score[id],
    cell: (score) => {
      const value = score[id];
      return value === null ? '–' : write(value);
    },
    align: 'right',
    ...more,
  });
  return [
    { id: 'horizon', header: t('scores.horizon'), value: (score) => score.horizon },
    number('skill', t('scores.skill'), format.change, {
      hint: t('scores.skillHint'),
      cell: (score) => (
        <strong className={score.beatsRandomWalk ? 'up' : undefined}>
          {score.skill === null ? '–' : format.change(score.skill)}
        </strong>
      ),
    }),
    number('pValue', 'p', (value) => format.number(value, 3), { hint: t('scores.pHint') }),
    number('rmse', 'RMSE', (value) => format.percent(value, 2), { visibleFrom: 'sm' }),
    number('randomWalkRmse', t('scores.randomWalk'), (value) => format.percent(value, 2), {
      visibleFrom: 'sm',
    }),
    number('directionAccuracy', t('scores.direction'), (value) => format.percent(value, 1)),
    number('auc', 'AUC', (value) => format.number(value, 3), { visibleFrom: 'md' }),
    number('brier', 'Brier', (value) => format.number(value, 4), {
      visibleFrom: 'md',
      hint: t('scores.brierHint'),
    }),
    number('coverage', t('scores.coverage'), (value) => format.percent(value, 1)),
  ];
}
