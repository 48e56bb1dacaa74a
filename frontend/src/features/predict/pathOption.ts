import type { Close } from '@/api/datasets';
import type { PredictionEvent } from '@/api/events';
import { chartBase, quietAxis } from '@/shared/charts/chartBase';
import type { ChartColors } from '@/shared/charts/colors';
import type { ChartOption } from '@/shared/charts/EChart';
import type { Format } from '@/shared/format/format';

/** Sessions of the past beside the path. */
const PAST = 40;

export interface PathWords {
  close: string;
  forecast: string;
  interval: string;
}

export interface PathPoint {
  session: string;
  close: number | null;
  forecast: number | null;
  lower: number | null;
  upper: number | null;
}

/** Past closes and the path behind them; the last close begins the path, with an interval of no width. */
export function pathPoints(closes: readonly Close[], path: readonly PredictionEvent[]): PathPoint[] {
  const [first] = path;
  if (!first) return [];
  const past = closes
    .filter((item) => item.session < first.as_of)
    .slice(-PAST)
    .map(({ session, close }) => ({ session, close, forecast: null, lower: null, upper: null }));
  const start = first.last_close;
  return [
    ...past,
    { session: first.as_of, close: start, forecast: start, lower: start, upper: start },
    ...path.map((item) => ({
      session: item.target_session,
      close: null,
      forecast: item.predicted_close,
      lower: item.lower ?? null,
      upper: item.upper ?? null,
    })),
  ];
}

/** The path as a line in a widening band. */
export function pathOption(points: readonly PathPoint[], words: PathWords, format: Format) {
  return (colors: ChartColors): ChartOption => {
    const base = chartBase(colors);
    const line = (name: string, values: readonly (number | null)[], color: string) => ({
      type: 'line',
      name,
      data: values,
      showSymbol: false,
      lineStyle: { width: 2, color },
      itemStyle: { color },
      emphasis: { disabled: true },
    });
    const edge = (values: readonly (number | null)[], filled: boolean) => ({
      type: 'line',
      name: words.interval,
      stack: 'interval',
      stackStrategy: 'all',
      data: values,
      showSymbol: false,
      silent: true,
      lineStyle: { opacity: 0 },
      itemStyle: { color: colors.forecastSoft },
      areaStyle: filled ? { color: colors.forecastSoft } : { opacity: 0 },
      emphasis: { disabled: true },
    });
    return {
      ...base,
      legend: { ...base.legend, data: [words.close, words.forecast, words.interval] },
      tooltip: {
        ...base.tooltip,
        formatter: (found: { dataIndex: number }[]) =>
          tooltip(points[found[0]?.dataIndex ?? 0], words, format),
      },
      xAxis: {
        ...quietAxis(colors),
        type: 'category',
        boundaryGap: false,
        data: points.map((point) => point.session),
        splitLine: { show: false },
        axisLabel: { ...quietAxis(colors).axisLabel, formatter: format.sessionShort },
      },
      yAxis: {
        ...quietAxis(colors),
        type: 'value',
        scale: true,
        axisLabel: { ...quietAxis(colors).axisLabel, formatter: format.price },
      },
      series: [
        edge(
          points.map((point) => point.lower),
          false,
        ),
        edge(
          points.map(({ lower, upper }) => (lower === null || upper === null ? null : upper - lower)),
          true,
        ),
        line(
          words.close,
          points.map((point) => point.close),
          colors.text,
        ),
        line(
          words.forecast,
          points.map((point) => point.forecast),
          colors.forecast,
        ),
      ],
    };
  };
}

function tooltip(point: PathPoint | undefined, words: PathWords, format: Format): string {
  if (!point) return '';
  const lines = [format.session(point.session)];
  if (point.close !== null) lines.push(`${words.close}: ${format.price(point.close)}`);
  else if (point.forecast !== null) lines.push(`${words.forecast}: ${format.price(point.forecast)}`);
  if (point.close === null && point.lower !== null && point.upper !== null) {
    lines.push(`${words.interval}: ${format.price(point.lower)} – ${format.price(point.upper)}`);
  }
  return lines.join('<br/>');
}
