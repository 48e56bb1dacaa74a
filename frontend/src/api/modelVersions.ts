import {
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
  useMutation,
  useQueryClient,
} from '@tanstack/react-query';
import { api, unwrap } from './client';
import { modelKeys, refreshModels } from './models';
import type { components } from './schema';

type Schemas = components['schemas'];

export type Curves = Schemas['Curves'];
export type FitHistory = Schemas['FitHistory'];
export type ModelComparison = Schemas['ModelComparison'];
export type Backtest = Schemas['Backtest'];
export type BacktestRequest = Schemas['BacktestRequest'];
export type AuditEntry = Schemas['AuditEntry'];

/** A version's evidence never changes. */
const FIXED = { staleTime: Infinity };
/** Entries of one page of the trail. */
const TRAIL_PAGE = 50;

function versionKey(modelId: string, version: number) {
  return [...modelKeys.detail(modelId), 'version', version] as const;
}

export function curvesQuery(modelId: string, version: number) {
  return queryOptions({
    queryKey: [...versionKey(modelId, version), 'curves'] as const,
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api/models/{model_id}/versions/{version}/curves', {
          params: { path: { model_id: modelId, version } },
          signal,
        }),
      ),
    ...FIXED,
  });
}

/** How the final fit of a horizon went, by iteration; empty lists where there are none. */
export function fitQuery(modelId: string, version: number, horizon: number) {
  return queryOptions({
    queryKey: [...versionKey(modelId, version), 'fit', horizon] as const,
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api/models/{model_id}/versions/{version}/fit', {
          params: { path: { model_id: modelId, version }, query: { horizon } },
          signal,
        }),
      ),
    ...FIXED,
  });
}

/** The model card, Markdown. */
export function cardQuery(modelId: string, version: number) {
  return queryOptions({
    queryKey: [...versionKey(modelId, version), 'card'] as const,
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api/models/{model_id}/versions/{version}/card', {
          params: { path: { model_id: modelId, version } },
          parseAs: 'text',
          signal,
        }),
      ),
    ...FIXED,
  });
}

/** A backtest changes nothing, so it is read like a page; the one before stays until the next is here. */
export function backtestQuery(modelId: string, body: BacktestRequest) {
  return queryOptions({
    queryKey: [...modelKeys.detail(modelId), 'backtest', body] as const,
    queryFn: ({ signal }) =>
      unwrap(
        api.POST('/api/models/{model_id}/backtest', {
          params: { path: { model_id: modelId } },
          body,
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
    ...FIXED,
  });
}

/** Two versions of what serves a ticker, whichever definitions they were trained by. */
export function compareQuery(modelId: string, a: number, b: number) {
  return queryOptions({
    queryKey: [...modelKeys.detail(modelId), 'compare', a, b] as const,
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api/models/{model_id}/compare', {
          params: { path: { model_id: modelId }, query: { a, b } },
          signal,
        }),
      ),
  });
}

/** Who let which version serve, newest first; of one registered name, or of all. */
export function trailQuery(registeredName?: string) {
  return infiniteQueryOptions({
    queryKey: [...modelKeys.trail(), registeredName ?? null] as const,
    queryFn: ({ pageParam, signal }) =>
      unwrap(
        api.GET('/api/models/audit', {
          params: { query: { registered_name: registeredName, before: pageParam, limit: TRAIL_PAGE } },
          signal,
        }),
      ),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (page) => page.next_before ?? undefined,
  });
}

export function usePromote(modelId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ version, ...body }: Schemas['PromoteRequest'] & { version: number }) =>
      unwrap(
        api.POST('/api/models/{model_id}/versions/{version}/promote', {
          params: { path: { model_id: modelId, version } },
          body,
        }),
      ),
    onSuccess: () => refreshModels(client),
  });
}

export function useRollback(modelId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (reason: string) =>
      unwrap(
        api.POST('/api/models/{model_id}/rollback', {
          params: { path: { model_id: modelId } },
          body: { reason },
        }),
      ),
    onSuccess: () => refreshModels(client),
  });
}
