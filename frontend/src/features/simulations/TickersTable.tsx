import type { TFunction } from 'i18next';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { SimulatedTicker } from '@/api/simulations';
import type { Format } from '@/shared/format/format';
import { useFormat } from '@/shared/format/useFormat';
import type { Column } from '@/shared/table/columns';
import { DataTable } from '@/shared/table/DataTable';
import { Panel } from '@/shared/ui/Panel';

/** The outcome stock by stock. */
export function TickersTable({ tickers }: { tickers: readonly SimulatedTicker[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const columns = useMemo(() => columnsOf(t, format), [t, format]);
  return (
    <Panel title={t('simulation.outcome.byTicker')}>
      <DataTable
        label={t('simulation.outcome.byTicker')}
        columns={columns}
        rows={tickers}
        rowKey={(row) => row.ticker}
        csv="simulation-by-ticker"
        testId="tickers-table"
      />
    </Panel>
  );
}

function columnsOf(t: TFunction, format: Format): readonly Column<SimulatedTicker>[] {
  const change = (value: number | null) => (value === null ? '–' : format.change(value, 1));
  const share = (value: number | null) => (value === null ? '–' : format.percent(value, 1));
  const counts = ['trainings', 'promotions', 'rejections', 'rollbacks'] as const;
  return [
    { id: 'ticker', header: t('dataset.ticker'), value: (row) => row.ticker },
    {
      id: 'skill',
      header: t('models.column.skill'),
      hint: t('simulation.skillHint'),
      value: (row) => row.skill,
      cell: (row) => (row.skill === null ? '–' : format.change(row.skill)),
      align: 'right',
    },
    {
      id: 'hits',
      header: t('simulation.outcome.hitRate'),
      value: (row) => row.hit_rate,
      cell: (row) => share(row.hit_rate),
      align: 'right',
      visibleFrom: 'sm',
    },
    {
      id: 'coverage',
      header: t('scores.coverage'),
      value: (row) => row.coverage,
      cell: (row) => share(row.coverage),
      align: 'right',
      visibleFrom: 'sm',
    },
    {
      id: 'strategy',
      header: t('backtest.strategy'),
      value: (row) => row.strategy_return,
      cell: (row) => change(row.strategy_return),
      align: 'right',
    },
    {
      id: 'holding',
      header: t('backtest.holding'),
      value: (row) => row.buy_and_hold_return,
      cell: (row) => change(row.buy_and_hold_return),
      align: 'right',
    },
    ...counts.map((count): Column<SimulatedTicker> => ({
      id: count,
      header: t(`simulation.count.${count}`),
      value: (row) => row[count],
      align: 'right',
      visibleFrom: 'md',
    })),
  ];
}
