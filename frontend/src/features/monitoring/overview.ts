import { increase, type Scrape } from './samples';

/** Newest scrapes of each service, newest first. */
export type Scrapes = ReadonlyMap<string, readonly Scrape[]>;

/** Groups scrapes (newest first) by service, in the order of the services' names. */
export function byService(scrapes: readonly Scrape[]): Scrapes {
  const groups = new Map<string, Scrape[]>();
  for (const scrape of scrapes) {
    const group = groups.get(scrape.service);
    if (group) group.push(scrape);
    else groups.set(scrape.service, [scrape]);
  }
  return new Map([...groups].sort(([a], [b]) => a.localeCompare(b)));
}

/** One figure over time, oldest first; null where it could not be measured. */
export type Series = readonly (number | null)[];

export interface Figures {
  /** answered by the API, per second */
  requests: Series;
  /** mean time to answer (seconds) */
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

type Counter = 'requests' | 'failures' | 'answers' | 'answerSeconds' | 'predictions' | 'cpu';
type Gauge = 'outbox' | 'lag' | 'models' | 'memory';

/** Steps that the sparklines show. */
const STEPS = 60;

/** A scrape with the one before it. Both answered: across an outage no rate can be told. */
interface Step {
  before: Scrape | undefined;
  now: Scrape;
}

/**
 * The n-th newest scrapes of all services, n from 0. Services are scraped together, so these are about one moment;
 * counting from the newest needs no knowledge of the interval.
 */
function stepsAt(scrapes: Scrapes, back: number): Step[] {
  return [...scrapes.values()].flatMap((held) => {
    const now = held[back];
    const before = held[back + 1];
    return now?.up ? [{ now, before: before?.up ? before : undefined }] : [];
  });
}

/** Growth of a counter per second between two scrapes; null when they cannot tell. */
export function rate(before: Scrape | undefined, now: Scrape, counter: Counter): number | null {
  const after = now[counter];
  if (!before || after === null || now.at <= before.at) return null;
  return increase(before[counter], after) / ((now.at - before.at) / 1000);
}

function sum(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
}

function rateOf(steps: readonly Step[], counter: Counter): number | null {
  return sum(steps.map(({ before, now }) => rate(before, now, counter)));
}

function levelOf(steps: readonly Step[], gauge: Gauge): number | null {
  return sum(steps.map(({ now }) => now[gauge]));
}

/** One rate as a share of another; null where nothing happened. */
function shareOf(steps: readonly Step[], part: Counter, whole: Counter): number | null {
  const all = rateOf(steps, whole);
  return all ? (rateOf(steps, part) ?? 0) / all : null;
}

/** What the tiles of the monitoring page show, out of the scrapes held. */
export function figures(scrapes: Scrapes): Figures {
  const held = Math.max(0, ...[...scrapes.values()].map((list) => list.length));
  const moments = Array.from({ length: Math.min(held, STEPS) }, (_, back) =>
    stepsAt(scrapes, back),
  ).reverse();
  return {
    requests: moments.map((steps) => rateOf(steps, 'requests')),
    latency: moments.map((steps) => shareOf(steps, 'answerSeconds', 'answers')),
    errors: moments.map((steps) => shareOf(steps, 'failures', 'requests')),
    predictions: moments.map((steps) => rateOf(steps, 'predictions')),
    outbox: moments.map((steps) => levelOf(steps, 'outbox')),
    lag: moments.map((steps) => levelOf(steps, 'lag')),
    models: moments.map((steps) => levelOf(steps, 'models')),
    memory: moments.map((steps) => levelOf(steps, 'memory')),
  };
}

/** The newest value; a figure that is not measured at every scrape keeps its last one for a while. */
export function newestOf(series: Series): number | null {
  return series.slice(-3).findLast((value) => value !== null) ?? null;
}
