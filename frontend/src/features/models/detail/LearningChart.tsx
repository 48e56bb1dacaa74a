import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Curves } from '@/api/modelVersions';
import { useFormat } from '@/shared/format/useFormat';
import { linesChart } from '@/shared/charts/builders';
import { ChartPanel } from './ChartPanel';

/** How errors change with more history: still falling means that more data would help. */
export function LearningChart({ points }: { points: Curves['learning_curve'] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const build = useMemo(() => {
    if (points.length === 0) return null;
    return linesChart({
      lines: [
        {
          name: t('curves.learning.validation'),
          values: points.map((point) => [point.rows, point.validation_rmse]),
          color: (colors) => colors.forecast,
          dots: true,
        },
        {
          name: t('curves.learning.train'),
          values: points.map((point) => [point.rows, point.train_rmse]),
          color: (colors) => colors.text,
          dashed: true,
          dots: true,
        },
      ],
      x: { kind: 'value', name: t('curves.learning.rows'), write: (value) => format.integer(Number(value)) },
      y: { write: (value) => format.percent(value, 2) },
    });
  }, [points, format, t]);
  const [first, last] = [points[0], points.at(-1)];
  return (
    <ChartPanel
      title={t('curves.learning.title')}
      description={t('curves.learning.detail')}
      build={build}
      label={
        first && last
          ? t('curves.learning.label', {
              from: format.percent(first.validation_rmse, 2),
              to: format.percent(last.validation_rmse, 2),
              rows: format.integer(last.rows),
            })
          : ''
      }
      missing={t('curves.missing')}
      testId="chart-learning"
    />
  );
}
