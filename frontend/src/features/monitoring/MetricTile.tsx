import { Card, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Sparkline } from '@/shared/charts/Sparkline';
import { newestOf, type Series } from './overview';

interface MetricTileProps {
  /** for tests: `metric-<id>` */
  id: string;
  label: string;
  hint: string;
  series: Series;
  format: (value: number) => string;
}

/** One figure, now and over the last minutes. */
export function MetricTile({ id, label, hint, series, format }: MetricTileProps) {
  const { t } = useTranslation();
  const value = newestOf(series);
  const values = series.filter((item) => item !== null);
  return (
    <Card padding="md" data-testid={`metric-${id}`} data-value={value ?? ''} title={hint}>
      <Text fz="xs" className="muted">
        {label}
      </Text>
      <Text fz={24} fw={650} lh={1.4}>
        {value === null ? '–' : format(value)}
      </Text>
      <Sparkline
        values={values}
        fromZero
        height={36}
        tone="forecast"
        label={t('monitoring.series', { label, count: values.length })}
      />
    </Card>
  );
}
