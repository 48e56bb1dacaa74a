import { Card, Group, SegmentedControl, Text } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { PriceBar } from '@/api/datasets';
import { useKnownPath } from '@/api/future';
import type { Prediction } from '@/api/predictions';
import { PriceChartView } from '@/shared/charts/PriceChartView';
import { ProblemAlert } from '@/shared/ui/States';
import { buildChartData } from './chartData';
import { ChartLegend } from './ChartLegend';
import classes from './ChartPanel.module.css';
import { Hovered } from './hovered';
import { IndicatorMenu } from './IndicatorMenu';
import { DEFAULT_RANGE, isRange, RANGES, type Range } from './range';
import { useChartHeight } from './useChartHeight';
import { useIndicators } from './useIndicators';
import { useInstrument, useStockSearch } from './useStock';

interface ChartPanelProps {
  bars: readonly PriceBar[];
  history: readonly Prediction[];
  newest: Prediction | null;
}

const NO_PATH: never[] = [];

export function ChartPanel({ bars, history, newest }: ChartPanelProps) {
  const { t } = useTranslation();
  const instrument = useInstrument();
  const { ticker } = instrument;
  const { search, update } = useStockSearch();
  const height = useChartHeight();
  const future = useKnownPath(search.path);
  const path = future.data?.predictions ?? NO_PATH;
  const data = useMemo(() => buildChartData(bars, history, newest, path), [bars, history, newest, path]);
  const [hovered] = useState(() => new Hovered());
  const range = search.range ?? DEFAULT_RANGE;
  const indicators = useIndicators(instrument, search.indicators);
  return (
    <Card component="section" aria-label={t('chart.label', { ticker })} padding="md">
      <Group justify="space-between" mb="xs" gap="xs">
        <ChartLegend data={data} indicators={indicators.lines} hovered={hovered} />
        <Group gap="xs">
          <IndicatorMenu
            shown={indicators.names}
            onChange={(names) => {
              update({ indicators: names.join(',') || undefined });
            }}
          />
          <SegmentedControl
            size="xs"
            value={range}
            aria-label={t('chart.range')}
            onChange={(value) => {
              if (isRange(value)) update({ range: value === DEFAULT_RANGE ? undefined : value });
            }}
            data={(Object.keys(RANGES) as Range[]).map((value) => ({
              value,
              label: t(`chart.ranges.${value}`),
            }))}
          />
        </Group>
      </Group>
      {indicators.error && <ProblemAlert error={indicators.error} />}
      <PriceChartView
        data={data}
        indicators={indicators.lines}
        sessions={Math.min(RANGES[range], bars.length)}
        label={t('chart.label', { ticker })}
        height={height}
        onHover={hovered.set}
      />
      <Group gap="lg" mt="xs" className={classes.key}>
        <Text fz="xs">
          <span className={classes.up} /> {t('chart.up')}
        </Text>
        <Text fz="xs">
          <span className={classes.down} /> {t('chart.down')}
        </Text>
        <Text fz="xs">
          <span className={classes.dot} /> {t('chart.past')}
        </Text>
        <Text fz="xs">
          <span className={classes.band} /> {t('chart.interval')}
        </Text>
        <Text fz="xs">{t('chart.adjusted')}</Text>
      </Group>
    </Card>
  );
}
