import { useComputedColorScheme } from '@mantine/core';
import type { EChartsType } from 'echarts/core';
import { useEffect, useEffectEvent, useRef } from 'react';
import { readChartColors } from './colors';
import type { EChartProps } from './EChart';
import { init } from './echarts';

/** {@link EChart} once its code is here. */
export default function EChartCanvas({ build, label, height, onPick, testId }: EChartProps) {
  const container = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType | null>(null);
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false });
  const pick = useEffectEvent((series: string, index: number) => {
    onPick?.(series, index);
  });

  useEffect(() => {
    const element = container.current;
    if (!element) return;
    const made = init(element);
    made.on('click', ({ seriesName, dataIndex }) => {
      pick(seriesName ?? '', dataIndex);
    });
    chart.current = made;
    const watcher = new ResizeObserver(() => {
      made.resize();
    });
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      chart.current = null;
      made.dispose();
    };
  }, []);

  useEffect(() => {
    const element = container.current;
    if (!element || !chart.current) return;
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    chart.current.setOption({ animation: !still, ...build(readChartColors(element)) }, { notMerge: true });
  }, [build, scheme]);

  return <div ref={container} role="img" aria-label={label} style={{ height }} data-testid={testId} />;
}
