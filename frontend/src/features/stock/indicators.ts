import type { FeatureSeries } from '@/api/features';
import type { IndicatorLine } from '@/shared/charts/indicators';
import { OVERLAID } from '@/shared/charts/panes';

interface Line {
  /** the feature that it shows */
  feature: string;
  color: string;
  kind?: 'columns';
  dashed?: boolean;
}

interface Indicator {
  pane: string;
  lines: readonly Line[];
}

/** What may be laid over the candles, or shown in a pane below them: features of the warehouse, by their names there. */
export const INDICATORS = {
  ma: {
    pane: 'price',
    lines: [
      { feature: 'MA5', color: '--line-1' },
      { feature: 'MA10', color: '--line-2' },
    ],
  },
  ema: {
    pane: 'price',
    lines: [
      { feature: 'EMA12', color: '--line-3' },
      { feature: 'EMA26', color: '--line-4' },
    ],
  },
  bollinger: {
    pane: 'price',
    lines: [
      { feature: 'BB_upper', color: '--line-5' },
      { feature: 'BB_middle', color: '--line-5', dashed: true },
      { feature: 'BB_lower', color: '--line-5' },
    ],
  },
  volume: { pane: 'volume', lines: [{ feature: 'VOL_MA10', color: '--line-2' }] },
  rsi: { pane: 'rsi', lines: [{ feature: 'rsi_14', color: '--line-3' }] },
  macd: {
    pane: 'macd',
    lines: [
      { feature: 'MACD_hist', color: '--line-5', kind: 'columns' },
      { feature: 'MACD', color: '--line-1' },
      { feature: 'MACD_signal', color: '--line-2' },
    ],
  },
} as const satisfies Record<string, Indicator>;

export type IndicatorName = keyof typeof INDICATORS;
export const INDICATOR_NAMES = Object.keys(INDICATORS) as IndicatorName[];

/** Reads `ma,rsi`; what is unknown is left out, and the order is always the same. */
export function indicatorsFromText(text: string | undefined): IndicatorName[] {
  const names = text?.split(',') ?? [];
  return INDICATOR_NAMES.filter((name) => names.includes(name));
}

/** The features that they need. */
export function featuresOf(names: readonly IndicatorName[]): string[] {
  return names.flatMap((name) => INDICATORS[name].lines.map((line) => line.feature));
}

/** How many panes they have below the candles. */
export function ownPanes(names: readonly IndicatorName[]): number {
  return new Set(names.map((name) => INDICATORS[name].pane).filter((pane) => !OVERLAID.includes(pane))).size;
}

/** Lines for the chart, of those whose features have come; `colorOf` gives a colour of the theme. */
export function buildIndicators(
  names: readonly IndicatorName[],
  series: FeatureSeries | undefined,
  colorOf: (variable: string) => string,
): IndicatorLine[] {
  if (!series) return [];
  return names.flatMap((name) => {
    const indicator: Indicator = INDICATORS[name];
    return indicator.lines.flatMap(({ feature, color, kind, dashed = false }): IndicatorLine[] => {
      const values = series.features[feature];
      if (!values) return [];
      const points = series.sessions.map((session, index) => ({ session, value: values[index] ?? null }));
      return [
        { id: feature, pane: indicator.pane, kind: kind ?? 'line', dashed, color: colorOf(color), points },
      ];
    });
  });
}
