import type { MetricsEvent } from '@/api/events';

/** Prometheus samples of one scrape, by `name{label="value"}`. */
export type Samples = MetricsEvent['samples'];
type Labels = Readonly<Record<string, string>>;
type Filter = (labels: Labels) => boolean;

interface SampleKey {
  name: string;
  labels: Labels;
}

const keys = new Map<string, SampleKey>();
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

/** Splits a sample's key. The same few hundred come again with every scrape, so they are kept. */
export function parseKey(key: string): SampleKey {
  let parsed = keys.get(key);
  if (!parsed) {
    const brace = key.indexOf('{');
    const labels = brace === -1 ? [] : [...key.slice(brace).matchAll(LABEL)];
    parsed = {
      name: brace === -1 ? key : key.slice(0, brace),
      labels: Object.fromEntries(labels.map((match) => [match[1] ?? '', match[2] ?? ''])),
    };
    keys.set(key, parsed);
  }
  return parsed;
}

/** Sum of a metric over its labels; null when the scrape has no such sample. */
export function total(samples: Samples, name: string, filter?: Filter): number | null {
  let sum: number | null = null;
  for (const [key, value] of Object.entries(samples)) {
    const parsed = parseKey(key);
    if (parsed.name === name && (!filter || filter(parsed.labels))) sum = (sum ?? 0) + value;
  }
  return sum;
}

/** How much a counter grew between two scrapes; a counter that fell was restarted from zero. */
export function increase(before: number | null, after: number | null): number {
  if (after === null) return 0;
  return before === null || after < before ? after : after - before;
}

/** Seconds between two scrapes. */
export function secondsBetween(before: MetricsEvent, after: MetricsEvent): number {
  return (Date.parse(after.scraped_at) - Date.parse(before.scraped_at)) / 1000;
}

/** Observations per upper bound (le) between two scrapes, cumulative as Prometheus counts. */
export function bucketIncrease(
  before: Samples,
  after: Samples,
  name: string,
  filter?: Filter,
): Map<number, number> {
  const buckets = new Map<number, number>();
  for (const [key, value] of Object.entries(after)) {
    const { name: found, labels } = parseKey(key);
    if (found !== `${name}_bucket` || (filter && !filter(labels))) continue;
    const bound = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le);
    buckets.set(bound, (buckets.get(bound) ?? 0) + increase(before[key] ?? null, value));
  }
  return buckets;
}

/**
 * A quantile out of cumulative buckets, linear within a bucket as Prometheus does it; null without observations.
 * Beyond the last finite bound it is that bound.
 */
export function quantile(buckets: ReadonlyMap<number, number>, share: number): number | null {
  const sorted = [...buckets].sort(([a], [b]) => a - b);
  const count = sorted.at(-1)?.[1] ?? 0;
  if (count === 0) return null;
  const rank = share * count;
  let lowerBound = 0;
  let lowerCount = 0;
  for (const [bound, cumulative] of sorted) {
    if (cumulative >= rank) {
      if (!Number.isFinite(bound)) return lowerBound;
      const inside = cumulative - lowerCount;
      return lowerBound + (bound - lowerBound) * (inside === 0 ? 1 : (rank - lowerCount) / inside);
    }
    lowerBound = bound;
    lowerCount = cumulative;
  }
  return lowerBound;
}
