import { queryOptions } from '@tanstack/react-query';
import { api, unwrap } from './client';
import type { components } from './schema';

/** How one model version did on the newest settled sessions of a ticker and horizon. */
export type Accuracy = components['schemas']['Accuracy'];

/** The newest settled sessions that count: a quarter of trading. */
const WINDOW = 63;
/** As many as the API gives at once. */
const MOST = 500;

export const accuracyKey = ['accuracy'] as const;

/** How predictions did one session ahead, of every ticker and model version. */
export function accuracyQuery() {
  return queryOptions({
    queryKey: accuracyKey,
    queryFn: async ({ signal }) => {
      const query = { horizon: 1, window: WINDOW, limit: MOST };
      return (await unwrap(api.GET('/api/predict/accuracy', { params: { query }, signal }))).items;
    },
  });
}
