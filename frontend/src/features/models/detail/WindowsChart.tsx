import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { FoldScore } from '@/features/forecast/evaluation';
import { useFormat } from '@/shared/format/useFormat';
import { groupsChart } from '@/shared/charts/builders';
import { ChartPanel } from './ChartPanel';

/** Error on each test window beside that on its own training rows: far apart means overfitting. */
export function WindowsChart({ folds }: { folds: readonly FoldScore[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const build = useMemo(() => {
    if (folds.length === 0) return null;
    return groupsChart({
      categories: folds.map((fold) => fold.first.slice(0, 7)),
      series: [
        {
          name: t('curves.windows.train'),
          values: folds.map((fold) => fold.trainRmse),
          color: (colors) => colors.text,
        },
        {
          name: t('curves.windows.test'),
          values: folds.map((fold) => fold.rmse),
          color: (colors) => colors.forecast,
        },
        {
          name: t('curves.windows.walk'),
          values: folds.map((fold) => fold.randomWalkRmse),
          color: (colors) => colors.down,
        },
      ],
      write: (value) => format.percent(value, 2),
    });
  }, [folds, format, t]);
  return (
    <ChartPanel
      title={t('curves.windows.title')}
      description={t('curves.windows.detail')}
      build={build}
      label={t('curves.windows.label', { count: folds.length })}
      missing={t('curves.missing')}
      testId="chart-windows"
    />
  );
}
