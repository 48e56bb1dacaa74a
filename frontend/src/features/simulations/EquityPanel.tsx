import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { SimulationSummary } from '@/api/simulations';
import { linesChart } from '@/shared/charts/builders';
import { EChart } from '@/shared/charts/EChart';
import { useFormat } from '@/shared/format/useFormat';
import { Panel } from '@/shared/ui/Panel';

/** What one unit of money became month by month, after costs, beside holding all stocks in equal parts. */
export function EquityPanel({ summary: { series } }: { summary: SimulationSummary }) {
  const { t } = useTranslation();
  const format = useFormat();
  const build = useMemo(
    () =>
      linesChart({
        lines: [
          {
            name: t('backtest.strategy'),
            values: series.map((month) => [month.month, month.strategy] as const),
            color: (colors) => colors.forecast,
          },
          {
            name: t('backtest.holding'),
            values: series.map((month) => [month.month, month.buy_and_hold] as const),
            color: (colors) => colors.text,
            dashed: true,
          },
        ],
        x: { kind: 'category', name: '', write: (month) => month },
        y: { write: (value) => format.number(value) },
      }),
    [series, format, t],
  );
  const last = series.at(-1);
  if (!last) return null;
  return (
    <Panel title={t('backtest.equity.title')} description={t('simulation.outcome.equity')}>
      <EChart
        build={build}
        height={300}
        label={t('backtest.equity.label', {
          strategy: format.number(last.strategy),
          holding: format.number(last.buy_and_hold),
        })}
        testId="chart-equity"
      />
    </Panel>
  );
}
