import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useEffectEvent, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/shared/format/useFormat';
import { readChartColors } from './colors';
import type { IndicatorLine } from './indicators';
import { PriceChart, type ChartData } from './priceChart';

interface PriceChartViewProps {
  data: ChartData;
  /** one list as long as nothing changes */
  indicators: readonly IndicatorLine[];
  /** how many of the newest sessions to show; a change moves the picture there */
  sessions: number;
  label: string;
  height: number | string;
  onHover: (session: string | null) => void;
}

/** {@link PriceChart} as an element: follows its data, the theme and the language. */
export function PriceChartView({ data, indicators, sessions, label, height, onHover }: PriceChartViewProps) {
  const container = useRef<HTMLDivElement>(null);
  const chart = useRef<PriceChart | null>(null);
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false });
  const { i18n } = useTranslation();
  const format = useFormat();
  const hover = useEffectEvent(onHover);

  useEffect(() => {
    if (!container.current) return;
    const made = new PriceChart(container.current, readChartColors(container.current), (session) => {
      hover(session);
    });
    chart.current = made;
    return () => {
      chart.current = null;
      made.remove();
    };
  }, []);

  useEffect(() => {
    chart.current?.setLanguage(i18n.language, format.price);
  }, [i18n.language, format]);

  useEffect(() => {
    if (container.current) chart.current?.setColors(readChartColors(container.current));
    chart.current?.setData(data);
  }, [scheme, data]);

  useEffect(() => {
    chart.current?.setIndicators(indicators);
  }, [indicators]);

  const loaded = data.bars.length > 0;
  useEffect(() => {
    if (loaded) chart.current?.show(sessions);
  }, [sessions, loaded]);

  return (
    <div ref={container} role="figure" aria-label={label} style={{ height }} data-testid="price-chart" />
  );
}
