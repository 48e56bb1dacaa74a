import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Curves } from '@/api/modelVersions';
import { useFormat } from '@/shared/format/useFormat';
import { barsChart } from '@/shared/charts/builders';
import { ChartPanel } from './ChartPanel';

/** As many as can be read beside each other. */
const MOST = 12;

/** What shuffling each feature costs: near zero, the model does not need it. */
export function ImportanceChart({ importance }: { importance: Curves['importance'] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const build = useMemo(() => {
    if (importance.length === 0) return null;
    return barsChart({
      bars: importance.slice(0, MOST).map((item) => ({
        name: item.feature,
        value: item.mean,
        note: t('curves.importance.deviation', { value: format.percent(item.deviation, 2) }),
      })),
      write: (value) => format.percent(value, 2),
      measure: t('curves.importance.measure'),
    });
  }, [importance, format, t]);
  return (
    <ChartPanel
      title={t('curves.importance.title')}
      description={t('curves.importance.detail', {
        shown: Math.min(MOST, importance.length),
        count: importance.length,
      })}
      build={build}
      label={t('curves.importance.label', {
        features: importance
          .slice(0, 3)
          .map((item) => item.feature)
          .join(', '),
      })}
      missing={t('curves.missing')}
      height={300}
      testId="chart-importance"
    />
  );
}
