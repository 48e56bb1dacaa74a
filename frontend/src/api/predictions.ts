import { queryOptions, useMutation, useQueryClient, type QueryClient } from '@tanstack/react-query';
import type { Instrument } from '@/shared/instrument';
import { api, unwrap } from './client';
import type { Prediction, PredictionEvent } from './events';
import { requested } from './exchange';

export type { Prediction, PredictionEvent } from './events';

/** Predictions of one instrument that a chart and its table show. */
const HISTORY = 250;

export const predictionKeys = {
  all: ['predictions'] as const,
  latest: ({ exchange, ticker }: Instrument) => [...predictionKeys.all, 'latest', exchange, ticker] as const,
  histories: () => [...predictionKeys.all, 'history'] as const,
  history: ({ exchange, ticker }: Instrument) => [...predictionKeys.histories(), exchange, ticker] as const,
};

async function newest(instrument: Instrument, limit: number, signal: AbortSignal): Promise<Prediction[]> {
  const query = { ...requested(instrument), limit };
  return (await unwrap(api.GET('/api/predict/', { params: { query }, signal }))).items;
}

/** The newest prediction of an instrument; null when there is none yet. Kept up to date by {@link applyPredictions}. */
export function latestPredictionQuery(instrument: Instrument) {
  return queryOptions({
    queryKey: predictionKeys.latest(instrument),
    queryFn: async ({ signal }): Promise<Prediction | null> =>
      (await newest(instrument, 1, signal))[0] ?? null,
  });
}

/** The newest predictions of an instrument, newest first, with what happened where it is known. */
export function predictionHistoryQuery(instrument: Instrument) {
  return queryOptions({
    queryKey: predictionKeys.history(instrument),
    queryFn: ({ signal }) => newest(instrument, HISTORY, signal),
  });
}

/** Predictions with one more in its place: newest first, each id once, what is known of the outcome kept. */
export function withPrediction(held: readonly Prediction[], came: Prediction): Prediction[] {
  const before = held.find((item) => item.prediction_id === came.prediction_id);
  if (before) return [...held];
  const at = held.findIndex((item) => item.made_at <= came.made_at);
  const list = [...held];
  list.splice(at === -1 ? list.length : at, 0, came);
  return list.slice(0, HISTORY);
}

/** Puts predictions that came over the WebSocket into the caches that show them, without asking the server. */
export function applyPredictions(client: QueryClient, events: readonly PredictionEvent[]): void {
  for (const event of events) {
    const prediction: Prediction = { ...event, actual_close: null, error_pct: null };
    client.setQueryData<Prediction | null>(predictionKeys.latest(event), (held) =>
      held === undefined || (held && held.made_at >= prediction.made_at) ? held : prediction,
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
