import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Backtest } from '@/api/modelVersions';
import { useFormat } from '@/shared/format/useFormat';
import { linesChart } from '@/shared/charts/builders';
import { ChartPanel } from './ChartPanel';

/** What one unit of money became, beside holding the share. */
export function EquityChart({ backtest }: { backtest: Backtest }) {
  const { t } = useTranslation();
  const format = useFormat();
  const build = useMemo(() => {
    const { sessions, equity, buy_and_hold_equity: holding } = backtest;
    const along = (values: readonly number[]) =>
      sessions.map((session, index) => [session, values[index] ?? 1] as const);
    return linesChart({
      lines: [
        { name: t('backtest.strategy'), values: along(equity), color: (colors) => colors.forecast },
        { name: t('backtest.holding'), values: along(holding), color: (colors) => colors.text, dashed: true },
      ],
      x: { kind: 'category', name: '', write: format.session },
      y: { write: (value) => format.number(value) },
    });
  }, [backtest, format, t]);
  return (
    <ChartPanel
      title={t('backtest.equity.title')}
      description={t('backtest.equity.detail')}
      build={build}
      label={t('backtest.equity.label', {
        strategy: format.number(backtest.equity.at(-1) ?? 1),
        holding: format.number(backtest.buy_and_hold_equity.at(-1) ?? 1),
      })}
      missing={t('curves.missing')}
      height={320}
      testId="chart-equity"
    />
  );
}
