import type { ChartColors } from './colors';

const FONT = "'Geist Variable', system-ui, -apple-system, 'Noto Sans', 'Noto Sans TC', sans-serif";

/** What all charts share: fonts, margins, tooltips and colours of the theme. */
export function chartBase(colors: ChartColors) {
  return {
    textStyle: { fontFamily: FONT, color: colors.text },
    color: [colors.forecast, colors.up, colors.down, colors.text],
    grid: { left: 8, right: 16, top: 36, bottom: 8, outerBoundsMode: 'same' as const },
    legend: {
      top: 0,
      left: 0,
      itemWidth: 14,
      itemHeight: 8,
      icon: 'roundRect',
      textStyle: { color: colors.text },
    },
    tooltip: {
      trigger: 'axis' as const,
      confine: true,
      backgroundColor: colors.card,
      borderColor: colors.grid,
      textStyle: { color: colors.strong, fontSize: 12 },
      axisPointer: { lineStyle: { color: colors.text, type: 'dashed' as const } },
    },
  };
}

/** An axis whose line, ticks and grid keep in the background. */
export function quietAxis(colors: ChartColors) {
  return {
    axisLine: { lineStyle: { color: colors.grid } },
    axisTick: { show: false },
    axisLabel: { color: colors.text, hideOverlap: true },
    splitLine: { lineStyle: { color: colors.grid } },
    nameTextStyle: { color: colors.text },
  };
}
