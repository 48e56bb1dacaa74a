import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api, unwrap } from './client';
import type { components } from './schema';

/** A flow of the platform: when it runs by itself, and how it went last. */
export type Flow = components['schemas']['FlowState'];

const INTERVAL = 10_000;
const flowsKey = ['flows'] as const;

export function flowsQuery() {
  return queryOptions({
    queryKey: flowsKey,
    queryFn: async ({ signal }) => (await unwrap(api.GET('/api/flows', { signal }))).items,
    refetchInterval: INTERVAL,
  });
}

/** Starts one now, beside its schedule. */
export function useStartFlow() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (name: string) =>
      unwrap(api.POST('/api/flows/{name}/runs', { params: { path: { name } }, body: { parameters: {} } })),
    onSuccess: () => client.invalidateQueries({ queryKey: flowsKey }),
  });
}
