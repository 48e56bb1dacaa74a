import type { MetricsEvent } from '@/api/events';

type Labels = Readonly<Record<string, string>>;

interface SampleKey {
  name: string;
  labels: Labels;
}

const keys = new Map<string, SampleKey>();
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

/** Splits `name{label="value"}`. The same few hundred come again with every scrape, so they are kept. */
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

/** What the page needs of one scrape. Counters are as scraped; null where the service has no such metric. */
export interface Scrape {
  service: string;
  instance: string;
  /** ms since the epoch */
  at: number;
  up: boolean;
  error: string | null;
  /** requests answered by the API, and those of them answered with 5xx */
  requests: number | null;
  failures: number | null;
  /** seconds that all answers of the API took together, and how many there were */
  answerSeconds: number | null;
  answers: number | null;
  predictions: number | null;
  outbox: number | null;
  lag: number | null;
  models: number | null;
  /** bytes */
  memory: number | null;
  /** seconds of CPU time used */
  cpu: number | null;
}

/** Metrics that are summed over all their labels. */
const SUMMED = {
  stock_predictions_total: 'predictions',
  stock_outbox_rows: 'outbox',
  stock_ws_lag_messages: 'lag',
  stock_resident_models: 'models',
  process_resident_memory_bytes: 'memory',
  process_cpu_seconds_total: 'cpu',
} as const;

type Counted = (typeof SUMMED)[keyof typeof SUMMED] | 'requests' | 'failures' | 'answerSeconds' | 'answers';

function isSummed(name: string): name is keyof typeof SUMMED {
  return name in SUMMED;
}

/** Reads a scrape once, when it arrives: a page that looked through all samples of all scrapes again would stutter. */
export function readScrape(event: MetricsEvent): Scrape {
  const sums: Partial<Record<Counted, number>> = {};
  const add = (field: keyof typeof sums, value: number) => {
    sums[field] = (sums[field] ?? 0) + value;
  };
  for (const [key, value] of Object.entries(event.samples)) {
    const { name, labels } = parseKey(key);
    if (isSummed(name)) add(SUMMED[name], value);
    else if (!labels.route?.startsWith('/api')) continue;
    else if (name === 'http_requests_total') {
      add('requests', value);
      add('failures', labels.status?.startsWith('5') ? value : 0);
    } else if (name === 'http_request_duration_seconds_sum') add('answerSeconds', value);
    else if (name === 'http_request_duration_seconds_count') add('answers', value);
  }
  return {
    service: event.service,
    instance: event.instance,
    at: Date.parse(event.scraped_at),
    up: event.up,
    error: event.error ?? null,
    requests: sums.requests ?? null,
    failures: sums.failures ?? null,
    answerSeconds: sums.answerSeconds ?? null,
    answers: sums.answers ?? null,
    predictions: sums.predictions ?? null,
    outbox: sums.outbox ?? null,
    lag: sums.lag ?? null,
    models: sums.models ?? null,
    memory: sums.memory ?? null,
    cpu: sums.cpu ?? null,
  };
}

/** How much a counter grew between two scrapes; a counter that fell was restarted from zero. */
export function increase(before: number | null, after: number): number {
  return before === null || after < before ? after : after - before;
}
