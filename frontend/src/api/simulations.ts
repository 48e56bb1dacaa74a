import {
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
  useMutation,
  useQueryClient,
  type QueryClient,
} from '@tanstack/react-query';
import { problemFrom } from '@/shared/problem';
import { api, unwrap } from './client';
import type { components } from './schema';

type Schemas = components['schemas'];

export type Simulation = Schemas['Simulation'];
export type SimulationState = Simulation['state'];
export type SimulationRequest = Schemas['SimulationRequest'];
export type SimulationSummary = Schemas['SimulationSummary'];
export type SimulationDecision = Schemas['SimulationDecision'];
export type SimulatedTicker = Schemas['SimulatedTicker'];

/** Simulations of one page of the list. */
const PAGE = 50;
/** How often one that is at work is asked where it stands (ms). */
const INTERVAL = 2_000;
/** The address of a report's page is good for an hour (ms). */
const ADDRESS_INTERVAL = 30 * 60_000;

export const simulationKeys = {
  all: ['simulations'] as const,
  list: () => [...simulationKeys.all, 'list'] as const,
  one: (id: string) => [...simulationKeys.all, 'one', id] as const,
};

/** Whether somebody is at work on it, or is going to be. */
export function isAtWork(state: SimulationState | undefined): boolean {
  return state === 'pending' || state === 'running';
}

/** All of them, the newest first. */
export function simulationsQuery() {
  return infiniteQueryOptions({
    queryKey: simulationKeys.list(),
    queryFn: ({ pageParam, signal }) =>
      unwrap(api.GET('/api/simulations', { params: { query: { limit: PAGE, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.items.some((item) => isAtWork(item.state))) ? INTERVAL : false,
  });
}

/** Where one stands; asked again until it has ended. */
export function simulationQuery(id: string) {
  return queryOptions({
    queryKey: simulationKeys.one(id),
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api/simulations/{simulation_id}', { params: { path: { simulation_id: id } }, signal }),
      ),
    refetchInterval: ({ state }) => (isAtWork(state.data?.state) ? INTERVAL : ADDRESS_INTERVAL),
  });
}

/** The newest decisions of one; `done`, its sessions so far, so that they are read again with each. */
export function decisionsQuery(id: string, limit: number, done: number) {
  return queryOptions({
    queryKey: [...simulationKeys.one(id), 'decisions', limit, done] as const,
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api/simulations/{simulation_id}/decisions', {
          params: { path: { simulation_id: id }, query: { limit } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  });
}

function refresh(client: QueryClient): Promise<void> {
  return client.invalidateQueries({ queryKey: simulationKeys.all });
}

/** Starts one; the answer carries its id, to be followed with {@link simulationQuery}. */
export function useStartSimulation() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: SimulationRequest) => unwrap(api.POST('/api/simulations', { body })),
    onSuccess: () => refresh(client),
  });
}

/** Ends one for good. */
export function useCancelSimulation(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      unwrap(
        api.POST('/api/simulations/{simulation_id}/cancel', { params: { path: { simulation_id: id } } }),
      ),
    onSettled: () => refresh(client),
  });
}

/** Goes on with one that was interrupted or failed, from where it stood. */
export function useResumeSimulation(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      unwrap(
        api.POST('/api/simulations/{simulation_id}/resume', { params: { path: { simulation_id: id } } }),
      ),
    onSettled: () => refresh(client),
  });
}

/** Forgets one that has ended, with its report. */
export function useDeleteSimulation(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async () => {
      // Its answer has no body.
      const { response, error } = await api.DELETE('/api/simulations/{simulation_id}', {
        params: { path: { simulation_id: id } },
      });
      if (!response.ok) throw problemFrom(response, error);
    },
    onSuccess: async () => {
      client.removeQueries({ queryKey: simulationKeys.one(id) });
      await client.invalidateQueries({ queryKey: simulationKeys.list() });
    },
  });
}

/** The report as a file's content. */
export async function simulationReport(id: string, format: 'html' | 'markdown'): Promise<Blob> {
  const { data, response, error } = await api.GET('/api/simulations/{simulation_id}/report', {
    params: { path: { simulation_id: id }, query: { format } },
    parseAs: 'blob',
  });
  if (data === undefined) throw problemFrom(response, error);
  return data;
}
