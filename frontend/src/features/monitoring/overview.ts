import type { MetricsEvent } from '@/api/events';
import { bucketIncrease, increase, quantile, secondsBetween, total } from './samples';

/** Newest scrapes of each service, newest first. */
export type Scrapes = ReadonlyMap<string, readonly MetricsEvent[]>;

/** Groups a log of scrapes (newest first) by service, in the order of the services' names. */
export function byService(events: readonly MetricsEvent[]): Scrapes {
  const groups = new Map<string, MetricsEvent[]>();
  for (const event of events) {
    const group = groups.get(event.service);
    if (group) group.push(event);
    else groups.set(event.service, [event]);
  }
  return new Map([...groups].sort(([a], [b]) => a.localeCompare(b)));
}

/** One figure over time, oldest first; null where it could not be measured. */
export type Series = readonly (number | null)[];

export interface Figures {
  /** answered by the API, per second */
  requests: Series;
  /** time to answer that 95 of 100 requests keep (seconds) */
  latency: Series;
  /** share of requests answered with 5xx */
  errors: Series;
  /** predictions made, per second */
  predictions: Series;
  /** events not yet confirmed in ClickHouse */
  outbox: Series;
  /** Kafka messages not yet read by the push */
  lag: Series;
  /** models ready to answer */
  models: Series;
  /** resident memory of all services (bytes) */
  memory: Series;
}

/** Steps that the sparklines show. */
export const STEPS = 60;

const isApi = (labels: Readonly<Record<string, string>>) => labels.route?.startsWith('/api') ?? false;
const isFailure = (labels: Readonly<Record<string, string>>) =>
  isApi(labels) && (labels.status?.startsWith('5') ?? false);

/** A scrape with the one before it. Both answered: across an outage no rate can be told. */
interface Step {
  before: MetricsEvent | undefined;
  now: MetricsEvent;
}

/**
 * The n-th newest scrapes of all services, n from 0. Services are scraped together, so these are about one moment;
 * counting from the newest needs no knowledge of the interval.
 */
function stepsAt(scrapes: Scrapes, back: number): Step[] {
  return [...scrapes.values()].flatMap((events) => {
    const now = events[back];
    const before = events[back + 1];
    return now?.up ? [{ now, before: before?.up ? before : undefined }] : [];
  });
}

function rateOf(steps: readonly Step[], name: string, filter?: typeof isApi): number | null {
  let rate: number | null = null;
  for (const { before, now } of steps) {
    const after = total(now.samples, name, filter);
    if (after === null || !before) continue;
    const seconds = secondsBetween(before, now);
    if (seconds > 0) rate = (rate ?? 0) + increase(total(before.samples, name, filter), after) / seconds;
  }
  return rate;
}

function sumOf(steps: readonly Step[], name: string): number | null {
  return steps.reduce<number | null>((sum, { now }) => {
    const value = total(now.samples, name);
    return value === null ? sum : (sum ?? 0) + value;
  }, null);
}

function latencyOf(steps: readonly Step[]): number | null {
  const buckets = new Map<number, number>();
  for (const { before, now } of steps) {
    if (!before) continue;
    const grown = bucketIncrease(before.samples, now.samples, 'http_request_duration_seconds', isApi);
    for (const [bound, count] of grown) buckets.set(bound, (buckets.get(bound) ?? 0) + count);
  }
  return quantile(buckets, 0.95);
}

function errorsOf(steps: readonly Step[]): number | null {
  const all = rateOf(steps, 'http_requests_total', isApi);
  if (!all) return null;
  return (rateOf(steps, 'http_requests_total', isFailure) ?? 0) / all;
}

/** What the tiles of the monitoring page show, out of the scrapes held. */
export function figures(scrapes: Scrapes): Figures {
  const held = Math.max(0, ...[...scrapes.values()].map((events) => events.length));
  const moments = Array.from({ length: Math.min(held, STEPS) }, (_, back) =>
    stepsAt(scrapes, back),
  ).reverse();
  return {
    requests: moments.map((steps) => rateOf(steps, 'http_requests_total', isApi)),
    latency: moments.map(latencyOf),
    errors: moments.map(errorsOf),
    predictions: moments.map((steps) => rateOf(steps, 'stock_predictions_total')),
    outbox: moments.map((steps) => sumOf(steps, 'stock_outbox_rows')),
    lag: moments.map((steps) => sumOf(steps, 'stock_ws_lag_messages')),
    models: moments.map((steps) => sumOf(steps, 'stock_resident_models')),
    memory: moments.map((steps) => sumOf(steps, 'process_resident_memory_bytes')),
  };
}

/** The newest value; a figure that is not measured at every scrape keeps its last one for a while. */
export function newestOf(series: Series): number | null {
  return series.slice(-3).findLast((value) => value !== null) ?? null;
}
