import type { Monitored, MonitoredNumber, MonitoredSeries, Monitor } from '@/api/monitoring';

/** One number of a ticker; null when it was not measured. */
export function numberOf(
  monitored: Monitored,
  monitor: Monitor,
  measure: string,
  part?: string,
): MonitoredNumber | null {
  return (
    monitored.numbers.find(
      (item) =>
        item.monitor === monitor && item.measure === measure && (part === undefined || item.part === part),
    ) ?? null
  );
}

/** Share of closes inside their intervals, one session ahead; its threshold is the level that was stated. */
export function coverageOf(monitored: Monitored): MonitoredNumber | null {
  return monitored.numbers.find((item) => item.monitor === 'coverage' && item.part === '1') ?? null;
}

/** Numbers beyond their thresholds; a coverage's is a level to be near, which its own alarm judges. */
export function conditionsOf(monitored: Monitored): readonly MonitoredNumber[] {
  return monitored.numbers.filter(
    (item) => item.monitor !== 'coverage' && item.threshold !== null && item.value > item.threshold,
  );
}

/** Series that one chart shows: those of a monitor and measure, one line per part. */
export interface SeriesGroup {
  monitor: Monitor;
  measure: string;
  lines: readonly MonitoredSeries[];
}

/** Groups series into charts, in the order in which they come. */
export function groupSeries(series: readonly MonitoredSeries[]): SeriesGroup[] {
  const groups = new Map<string, { monitor: Monitor; measure: string; lines: MonitoredSeries[] }>();
  for (const item of series) {
    const key = `${item.monitor} ${item.measure}`;
    const group = groups.get(key);
    if (group) group.lines.push(item);
    else groups.set(key, { monitor: item.monitor, measure: item.measure, lines: [item] });
  }
  return [...groups.values()];
}
