import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Close } from '@/api/datasets';
import type { PredictionEvent } from '@/api/events';
import { EChart } from '@/shared/charts/EChart';
import { useFormat } from '@/shared/format/useFormat';
import { pathOption, pathPoints } from './pathOption';

interface PathChartProps {
  closes: readonly Close[];
  path: readonly PredictionEvent[];
  height?: number;
}

/** The path behind the closes that it starts from. */
export function PathChart({ closes, path, height = 300 }: PathChartProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const build = useMemo(() => {
    const words = {
      close: t('forecasts.close'),
      forecast: t('chart.forecast'),
      interval: t('chart.interval'),
    };
    return pathOption(pathPoints(closes, path), words, format);
  }, [closes, path, format, t]);
  const last = path.at(-1);
  return (
    <EChart
      build={build}
      height={height}
      label={
        last
          ? t('forecasts.pathLabel', {
              count: path.length,
              day: format.session(last.target_session),
              price: format.price(last.predicted_close),
            })
          : ''
      }
      testId="path-chart"
    />
  );
}
