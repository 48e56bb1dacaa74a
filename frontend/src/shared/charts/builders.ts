import type { ChartOption } from './EChart';
import { chartBase, quietAxis } from './chartBase';
import type { ChartColors } from './colors';

type Build = (colors: ChartColors) => ChartOption;
type Write = (value: number) => string;

interface Line {
  name: string;
  values: readonly (readonly [x: number | string, y: number])[];
  color: (colors: ChartColors) => string;
  dashed?: boolean;
  /** a mark at each point: there are few */
  dots?: boolean;
}

interface Lines {
  lines: readonly Line[];
  /** sessions, or numbers */
  x: { kind: 'category' | 'value'; name: string; write: (value: string) => string };
  y: { write: Write; name?: string; min?: number; max?: number };
  /** a level to compare with */
  level?: { value: number; name: string };
}

/** Lines over sessions or numbers, with what they are compared with as a dashed one. */
export function linesChart({ lines, x, y, level }: Lines): Build {
  return (colors) => {
    const base = chartBase(colors);
    return {
      ...base,
      tooltip: { ...base.tooltip, valueFormatter: (value: unknown) => y.write(Number(value)) },
      xAxis: {
        ...quietAxis(colors),
        type: x.kind,
        name: x.name,
        nameLocation: 'middle',
        nameGap: 28,
        splitLine: { show: false },
        axisLabel: { ...quietAxis(colors).axisLabel, formatter: (value: unknown) => x.write(String(value)) },
        axisPointer: { label: { formatter: ({ value }: { value: unknown }) => x.write(String(value)) } },
      },
      yAxis: {
        ...quietAxis(colors),
        type: 'value',
        scale: true,
        min: y.min,
        max: y.max,
        name: y.name,
        axisLabel: { ...quietAxis(colors).axisLabel, formatter: y.write },
      },
      series: [
        ...lines.map((line) => ({
          type: 'line',
          name: line.name,
          data: line.values,
          showSymbol: line.dots === true,
          symbolSize: 7,
          lineStyle: { width: 2, type: line.dashed ? 'dashed' : 'solid', color: line.color(colors) },
          itemStyle: { color: line.color(colors) },
          emphasis: { disabled: true },
        })),
        ...(level ? [levelSeries(level, lines[0]?.values ?? [], colors)] : []),
      ],
    };
  };
}

/**
 * A level from the first to the last value of a line. Its name stands in the legend, where it hides nothing, and the
 * axis makes room for it.
 */
function levelSeries(level: { value: number; name: string }, along: Line['values'], colors: ChartColors) {
  const ends = [along[0], along.at(-1)].flatMap((point) => (point ? [point[0]] : []));
  return {
    type: 'line',
    name: level.name,
    data: ends.map((x) => [x, level.value]),
    showSymbol: false,
    silent: true,
    lineStyle: { width: 1.5, type: 'dashed', color: colors.text },
    itemStyle: { color: colors.text },
  };
}

interface Bars {
  /** the largest first */
  bars: readonly { name: string; value: number; note: string }[];
  write: Write;
  /** what the values are, in one word */
  measure: string;
}

/** Bars that lie, longest on top; those below zero in the other colour. */
export function barsChart({ bars, write, measure }: Bars): Build {
  return (colors) => {
    const base = chartBase(colors);
    const upwards = [...bars].reverse();
    return {
      ...base,
      legend: { show: false },
      grid: { ...base.grid, top: 4 },
      tooltip: {
        ...base.tooltip,
        axisPointer: { type: 'shadow' },
        formatter: (points: { dataIndex: number }[]) => {
          const bar = upwards[points[0]?.dataIndex ?? 0];
          return bar ? `${bar.name}<br/>${measure}: ${write(bar.value)}<br/>${bar.note}` : '';
        },
      },
      xAxis: {
        ...quietAxis(colors),
        type: 'value',
        axisLabel: { ...quietAxis(colors).axisLabel, formatter: write },
      },
      yAxis: {
        ...quietAxis(colors),
        type: 'category',
        data: upwards.map((bar) => bar.name),
        axisLabel: {
          ...quietAxis(colors).axisLabel,
          hideOverlap: false,
          interval: 0,
          width: 130,
          overflow: 'truncate',
        },
      },
      series: [
        {
          type: 'bar',
          barMaxWidth: 16,
          data: upwards.map((bar) => ({
            value: bar.value,
            itemStyle: { color: bar.value < 0 ? colors.down : colors.up, borderRadius: 3 },
          })),
        },
      ],
    };
  };
}

interface Groups {
  categories: readonly string[];
  series: readonly {
    name: string;
    values: readonly (number | null)[];
    color: (colors: ChartColors) => string;
  }[];
  write: Write;
}

/** Bars side by side for each category. */
export function groupsChart({ categories, series, write }: Groups): Build {
  return (colors) => {
    const base = chartBase(colors);
    return {
      ...base,
      tooltip: {
        ...base.tooltip,
        axisPointer: { type: 'shadow' },
        valueFormatter: (value: unknown) => (typeof value === 'number' ? write(value) : '–'),
      },
      xAxis: { ...quietAxis(colors), type: 'category', data: categories },
      yAxis: {
        ...quietAxis(colors),
        type: 'value',
        axisLabel: { ...quietAxis(colors).axisLabel, formatter: write },
      },
      series: series.map((item) => ({
        type: 'bar',
        name: item.name,
        data: item.values,
        barMaxWidth: 22,
        itemStyle: { color: item.color(colors), borderRadius: [3, 3, 0, 0] },
      })),
    };
  };
}

interface Reliability {
  bins: readonly { stated: number; observed: number; n: number }[];
  write: Write;
  words: { stated: string; observed: string; perfect: string; forecasts: string };
}

/** Stated chances against how often they came true: honest ones lie on the diagonal. */
export function reliabilityChart({ bins, write, words }: Reliability): Build {
  const values = bins.flatMap((bin) => [bin.stated, bin.observed]);
  const low = Math.max(0, Math.floor(Math.min(...values) * 20 - 1) / 20);
  const high = Math.min(1, Math.ceil(Math.max(...values) * 20 + 1) / 20);
  return (colors) => {
    const base = chartBase(colors);
    const axis = {
      ...quietAxis(colors),
      type: 'value',
      min: low,
      max: high,
      nameLocation: 'middle',
      axisLabel: { ...quietAxis(colors).axisLabel, formatter: write },
    };
    return {
      ...base,
      tooltip: {
        ...base.tooltip,
        trigger: 'item',
        formatter: ({ dataIndex }: { dataIndex: number }) => {
          const bin = bins[dataIndex];
          if (!bin) return '';
          return `${words.stated}: ${write(bin.stated)}<br/>${words.observed}: ${write(bin.observed)}<br/>${words.forecasts}: ${bin.n}`;
        },
      },
      xAxis: { ...axis, name: words.stated, nameGap: 28 },
      yAxis: { ...axis, name: words.observed, nameGap: 44 },
      series: [
        {
          type: 'line',
          name: words.perfect,
          silent: true,
          showSymbol: false,
          tooltip: { show: false },
          lineStyle: { color: colors.text, type: 'dashed', width: 1 },
          itemStyle: { color: colors.text },
          data: [
            [low, low],
            [high, high],
          ],
        },
        {
          type: 'scatter',
          name: words.observed,
          symbolSize: 11,
          itemStyle: { color: colors.forecast },
          data: bins.map((bin) => [bin.stated, bin.observed]),
        },
      ],
    };
  };
}
