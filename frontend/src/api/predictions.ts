import {
  infiniteQueryOptions,
  queryOptions,
  useMutation,
  useQueryClient,
  type QueryClient,
} from '@tanstack/react-query';
import type { Instrument } from '@/shared/instrument';
import { api, unwrap } from './client';
import type { Prediction, PredictionEvent } from './events';
import { requested } from './exchange';
import type { paths } from './schema';

export type { Prediction, PredictionEvent } from './events';

export type PredictionFilters = NonNullable<paths['/api/predict/']['get']['parameters']['query']>;

/** Predictions of one instrument that a chart and its table show. */
const HISTORY = 250;

export const predictionKeys = {
  all: ['predictions'] as const,
  latest: ({ exchange, ticker }: Instrument) => [...predictionKeys.all, 'latest', exchange, ticker] as const,
  histories: () => [...predictionKeys.all, 'history'] as const,
  history: ({ exchange, ticker }: Instrument) => [...predictionKeys.histories(), exchange, ticker] as const,
  list: (filters: PredictionFilters) => [...predictionKeys.all, 'list', filters] as const,
};

/** Predictions of one page of the list. */
const PAGE = 50;

/** Predictions that match, the newest first, page by page. */
export function predictionsQuery(filters: PredictionFilters) {
  return infiniteQueryOptions({
    queryKey: predictionKeys.list(filters),
    queryFn: ({ pageParam, signal }) =>
      unwrap(
        api.GET('/api/predict/', {
          params: { query: { limit: PAGE, ...filters, cursor: pageParam } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}

type Origin = NonNullable<Prediction['origin']>;

async function list(
  instrument: Instrument,
  limit: number,
  signal: AbortSignal,
  origin?: Origin,
): Promise<Prediction[]> {
  const query = { ...requested(instrument), limit, origin };
  return (await unwrap(api.GET('/api/predict/', { params: { query }, signal }))).items;
}

/** The newest prediction that is not one day of a future path; those are asked for by name, and shown as a path. */
async function newestForecast(instrument: Instrument, signal: AbortSignal): Promise<Prediction | null> {
  const [newest] = await list(instrument, 1, signal);
  if (newest?.origin !== 'job') return newest ?? null;
  const others = await Promise.all(
    (['api', 'replay'] as const).map((origin) => list(instrument, 1, signal, origin)),
  );
  return others.flat().sort((a, b) => madeAt(b) - madeAt(a))[0] ?? newest;
}

/** The newest prediction of an instrument; null when there is none yet. Kept up to date by {@link applyPredictions}. */
export function latestPredictionQuery(instrument: Instrument) {
  return queryOptions({
    queryKey: predictionKeys.latest(instrument),
    queryFn: ({ signal }) => newestForecast(instrument, signal),
  });
}

/** When a prediction was made (ms); texts of one instant may differ, as in `Z` and `+00:00`. */
function madeAt(prediction: PredictionEvent): number {
  return Date.parse(prediction.made_at);
}

/**
 * What the API listed, behind predictions that only the page knows so far: an event is here at once, and in the
 * warehouse that the list is read from a moment later.
 */
export function withUnlisted(listed: readonly Prediction[], held: readonly Prediction[]): Prediction[] {
  const ids = new Set(listed.map((item) => item.prediction_id));
  const newest = listed[0] ? madeAt(listed[0]) : 0;
  return [...held.filter((item) => !ids.has(item.prediction_id) && madeAt(item) >= newest), ...listed];
}

/** The newest predictions of an instrument, newest first, with what happened where it is known. */
export function predictionHistoryQuery(instrument: Instrument) {
  const queryKey = predictionKeys.history(instrument);
  return queryOptions({
    queryKey,
    queryFn: async ({ client, signal }) => {
      const listed = await list(instrument, HISTORY, signal);
      return withUnlisted(listed, client.getQueryData<Prediction[]>(queryKey) ?? []);
    },
  });
}

/** Predictions with one more in its place: newest first, each id once, what is known of the outcome kept. */
export function withPrediction(held: readonly Prediction[], came: Prediction): Prediction[] {
  if (held.some((item) => item.prediction_id === came.prediction_id)) return [...held];
  const at = held.findIndex((item) => madeAt(item) <= madeAt(came));
  const list = [...held];
  list.splice(at === -1 ? list.length : at, 0, came);
  return list.slice(0, HISTORY);
}

/** Whether a prediction takes another's place as an instrument's newest forecast; a day of a future path does not. */
function replaces(came: Prediction, held: Prediction): boolean {
  return came.origin !== 'job' && madeAt(came) > madeAt(held);
}

/** Puts predictions that came over the WebSocket into the caches that show them, without asking the server. */
export function applyPredictions(client: QueryClient, events: readonly PredictionEvent[]): void {
  for (const event of events) {
    const prediction: Prediction = { ...event, actual_close: null, error_pct: null };
    client.setQueryData<Prediction | null>(predictionKeys.latest(event), (held) =>
      held === undefined || (held && !replaces(prediction, held)) ? held : prediction,
    );
    client.setQueryData<Prediction[]>(predictionKeys.history(event), (held) =>
      held === undefined ? undefined : withPrediction(held, prediction),
    );
  }
}

/** After a session was released some predictions met their actual closes. */
export async function refreshHistories(client: QueryClient): Promise<void> {
  await client.invalidateQueries({ queryKey: predictionKeys.histories() });
}

/** One prediction now. Its answer goes into the caches as if it had come over the WebSocket. */
export function usePredict(instrument: Instrument) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (horizon: number) =>
      unwrap(api.POST('/api/predict/', { body: { ...requested(instrument), horizon } })),
    onSuccess: (prediction) => {
      applyPredictions(client, [prediction]);
    },
  });
}
