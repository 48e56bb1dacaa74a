import { Skeleton } from '@mantine/core';
import { useChartHeight } from './useChartHeight';

/** Legend, controls and key of the chart's card, with its paddings (px). */
const AROUND = 172;

/** As high as the chart's card will be, so that nothing moves when it comes. */
export function ChartSkeleton() {
  return <Skeleton height={useChartHeight() + AROUND} radius="lg" />;
}
