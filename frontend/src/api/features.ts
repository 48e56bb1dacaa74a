import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { Instrument } from '@/shared/instrument';
import { api, unwrap } from './client';
import { datasetKeys } from './datasets';
import { requested } from './exchange';
import type { components } from './schema';

/** Features by session, oldest first. */
export type FeatureSeries = components['schemas']['FeatureSeries'];

/** As many sessions as the chart of prices has. */
const HISTORY = 5_000;

/** Some features of an instrument over its history; under the key of its prices, with which they change. */
export function featureSeriesQuery(instrument: Instrument, names: readonly string[]) {
  return queryOptions({
    queryKey: [...datasetKeys.prices(instrument), 'features', ...names] as const,
    queryFn: ({ signal }) => {
      const params = { path: requested(instrument), query: { names: [...names], limit: HISTORY } };
      return unwrap(api.GET('/api/datasets/{exchange}/{ticker}/features', { params, signal }));
    },
    enabled: names.length > 0,
    placeholderData: keepPreviousData,
  });
}
