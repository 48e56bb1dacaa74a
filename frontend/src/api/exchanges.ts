import { queryOptions } from '@tanstack/react-query';
import { api, unwrap } from './client';
import type { components } from './schema';

export type ExchangeState = components['schemas']['ExchangeState'];

/** The markets that the platform knows, with their hours; they change with the platform's version only. */
export function exchangesQuery() {
  return queryOptions({
    queryKey: ['exchanges'],
    queryFn: async ({ signal }) => (await unwrap(api.GET('/api/exchanges', { signal }))).items,
    staleTime: Infinity,
  });
}
