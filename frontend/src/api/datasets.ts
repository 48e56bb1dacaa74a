import { queryOptions, type QueryClient } from '@tanstack/react-query';
import { instrumentKey, type Instrument } from '@/shared/instrument';
import { api, unwrap } from './client';
import { requested } from './exchange';
import type { components } from './schema';

export type Dataset = components['schemas']['Dataset'];
export type PriceBar = components['schemas']['PriceBar'];

export type Close = Pick<PriceBar, 'session' | 'close'>;

/** Sessions read again when a chart is brought up to date, so that a correction of the last days shows. */
const OVERLAP = 5;
/** Sessions that a chart reads, and that a sparkline shows. */
const HISTORY = 5_000;
const RECENT = 60;
/** Closes closer than this share are the same but for rounding. */
const SAME = 1e-6;

export const datasetKeys = {
  all: ['datasets'] as const,
  list: () => [...datasetKeys.all, 'list'] as const,
  allPrices: () => [...datasetKeys.all, 'prices'] as const,
  prices: ({ exchange, ticker }: Instrument) => [...datasetKeys.allPrices(), exchange, ticker] as const,
  recent: ({ exchange, ticker }: Instrument) => [...datasetKeys.all, 'recent', exchange, ticker] as const,
};

/** What is loaded. Each reading also moves the sparklines on, see {@link followSessions}. */
export function datasetsQuery() {
  return queryOptions({
    queryKey: datasetKeys.list(),
    queryFn: async ({ client, signal }) => {
      const { items } = await unwrap(api.GET('/api/datasets', { signal }));
      followSessions(client, client.getQueryData<Dataset[]>(datasetKeys.list()) ?? [], items);
      return items;
    },
  });
}

/**
 * Brings sparklines up to date after the list was read again. A stock with one session more needs no request: the
 * list tells its close. One that moved on otherwise is read again.
 */
export function followSessions(
  client: QueryClient,
  before: readonly Dataset[],
  after: readonly Dataset[],
): void {
  const known = new Map(before.map((dataset) => [instrumentKey(dataset), dataset]));
  for (const dataset of after) {
    const held = known.get(instrumentKey(dataset));
    if (!held || held.last_session === dataset.last_session) continue;
    const queryKey = datasetKeys.recent(dataset);
    if (dataset.rows === held.rows + 1) {
      const close = { session: dataset.last_session, close: dataset.last_close };
      client.setQueryData<Close[]>(queryKey, (closes) => closes && withClose(closes, close));
    } else {
      void client.invalidateQueries({ queryKey });
    }
  }
}

/**
 * Held bars with those that came put in their places; null when the two disagree about a session that both have.
 * They do after a dividend or a split: adjusted prices of the whole past have another factor then.
 */
export function mergeBars(held: readonly PriceBar[], came: readonly PriceBar[]): PriceBar[] | null {
  const first = came[0]?.session;
  if (first === undefined) return [...held];
  const closes = new Map(held.map((bar) => [bar.session, bar.close]));
  const agrees = came.every((bar) => {
    const before = closes.get(bar.session);
    return before === undefined || Math.abs(before / bar.close - 1) < SAME;
  });
  return agrees ? [...held.filter((bar) => bar.session < first), ...came] : null;
}

async function readBars(instrument: Instrument, start: string | undefined, signal: AbortSignal) {
  const query = start === undefined ? { limit: HISTORY } : { start, limit: HISTORY };
  const params = { path: requested(instrument), query };
  return (await unwrap(api.GET('/api/datasets/{exchange}/{ticker}/prices', { params, signal }))).items;
}

/** All sessions of an instrument. The first read takes the whole history, later ones only what was added. */
export function pricesQuery(instrument: Instrument) {
  const queryKey = datasetKeys.prices(instrument);
  return queryOptions({
    queryKey,
    queryFn: async ({ client, signal }): Promise<PriceBar[]> => {
      const held = client.getQueryData<PriceBar[]>(queryKey) ?? [];
      const start = held.at(-OVERLAP)?.session;
      if (start === undefined) return readBars(instrument, undefined, signal);
      const merged = mergeBars(held, await readBars(instrument, start, signal));
      return merged ?? readBars(instrument, undefined, signal);
    },
  });
}

/** The last closes of an instrument, for a sparkline; kept up to date by {@link applyCloses}. */
export function recentClosesQuery(instrument: Instrument) {
  return queryOptions({
    queryKey: datasetKeys.recent(instrument),
    queryFn: async ({ signal }): Promise<Close[]> => {
      const params = { path: requested(instrument), query: { limit: RECENT } };
      const answer = await unwrap(api.GET('/api/datasets/{exchange}/{ticker}/prices', { params, signal }));
      return answer.items.map(({ session, close }) => ({ session, close }));
    },
  });
}

/** Closes with one of a later session added. */
export function withClose(held: readonly Close[], came: Close): Close[] {
  const last = held.at(-1);
  if (last && last.session >= came.session) return [...held];
  return [...held, came].slice(-RECENT);
}

/** After a session was released or data was loaded: the list, and the charts that are being looked at. */
export async function refreshDatasets(client: QueryClient): Promise<void> {
  await Promise.all([
    client.invalidateQueries({ queryKey: datasetKeys.list() }),
    client.invalidateQueries({ queryKey: datasetKeys.allPrices() }),
  ]);
}
