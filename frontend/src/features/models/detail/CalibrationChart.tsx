import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Curves } from '@/api/modelVersions';
import { useFormat } from '@/shared/format/useFormat';
import { reliabilityChart } from '@/shared/charts/builders';
import { ChartPanel } from './ChartPanel';

/** Whether a stated chance of a rise came true as often as it said. */
export function CalibrationChart({ curve }: { curve: Curves['calibration'][number] | undefined }) {
  const { t } = useTranslation();
  const format = useFormat();
  const build = useMemo(() => {
    if (!curve || curve.bins.length === 0) return null;
    return reliabilityChart({
      bins: curve.bins,
      write: (value) => format.percent(value),
      words: {
        stated: t('curves.calibration.stated'),
        observed: t('curves.calibration.observed'),
        perfect: t('curves.calibration.perfect'),
        forecasts: t('curves.calibration.forecasts'),
      },
    });
  }, [curve, format, t]);
  return (
    <ChartPanel
      title={t('curves.calibration.title')}
      description={t('curves.calibration.detail')}
      build={build}
      label={t('curves.calibration.label', { count: curve?.bins.length ?? 0 })}
      missing={t('curves.calibration.missing')}
      testId="chart-calibration"
    />
  );
}
