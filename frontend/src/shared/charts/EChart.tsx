import { Skeleton } from '@mantine/core';
import type { EChartsCoreOption } from 'echarts/core';
import { lazy, Suspense } from 'react';
import type { ChartColors } from './colors';

export type ChartOption = EChartsCoreOption;

export interface EChartProps {
  /** the chart in the theme's colours; the same function as long as nothing changed */
  build: (colors: ChartColors) => ChartOption;
  /** what is to be seen, for people who do not see it */
  label: string;
  /** pixels */
  height: number;
  /** a point was clicked: its series' name and its place in the data */
  onPick?: (series: string, index: number) => void;
  testId?: string;
}

const Canvas = lazy(() => import('./EChartCanvas'));

/** A chart by ECharts, whose code is fetched when the first one is shown. Follows theme, language and width. */
export function EChart(props: EChartProps) {
  return (
    <Suspense fallback={<Skeleton height={props.height} />}>
      <Canvas {...props} />
    </Suspense>
  );
}
