import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Backtest } from '@/api/modelVersions';
import { useFormat } from '@/shared/format/useFormat';
import { linesChart } from '@/shared/charts/builders';
import { ChartPanel } from './ChartPanel';

/** What the strategy would earn a year at other costs, beside holding. */
export function CostChart({ backtest }: { backtest: Backtest }) {
  const { t } = useTranslation();
  const format = useFormat();
  const build = useMemo(() => {
    const held = backtest.buy_and_hold.annualised_return;
    return linesChart({
      lines: [
        {
          name: t('backtest.strategy'),
          values: backtest.costs.map((point) => [point.bps, point.annualised_return]),
          color: (colors) => colors.forecast,
          dots: true,
        },
      ],
      x: { kind: 'value', name: t('backtest.cost'), write: (value) => format.number(Number(value)) },
      y: { write: (value) => format.percent(value, 1) },
      level: { value: held, name: `${t('backtest.holding')} ${format.percent(held, 1)}` },
    });
  }, [backtest, format, t]);
  return (
    <ChartPanel
      title={t('backtest.costs.title')}
      description={t('backtest.costs.detail')}
      build={build}
      label={t('backtest.costs.label', { count: backtest.costs.length })}
      missing={t('curves.missing')}
      height={320}
      testId="chart-costs"
    />
  );
}
