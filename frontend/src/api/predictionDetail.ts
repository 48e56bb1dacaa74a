import { queryOptions } from '@tanstack/react-query';
import { api, unwrap } from './client';
import { predictionKeys } from './predictions';
import type { components } from './schema';

/** A prediction with what its model was given, and what each input contributed. */
export type PredictionDetail = components['schemas']['PredictionDetail'];
export type Explanation = components['schemas']['Explanation'];
export type Contribution = components['schemas']['Contribution'];

export function predictionDetailQuery(predictionId: string) {
  return queryOptions({
    queryKey: [...predictionKeys.all, 'detail', predictionId] as const,
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api/predict/{prediction_id}', {
          params: { path: { prediction_id: predictionId } },
          signal,
        }),
      ),
  });
}
