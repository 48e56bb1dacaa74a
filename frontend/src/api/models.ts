import { keepPreviousData, queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { problemFrom } from '@/shared/problem';
import { api, unwrap } from './client';
import type { components, paths } from './schema';

type Schemas = components['schemas'];

export type Model = Schemas['Model'];
export type ListedModel = Schemas['ListedModel'];
export type ModelDetail = Schemas['ModelDetail'];
export type ModelVersion = Schemas['ModelVersion'];
export type ModelRequest = Schemas['ModelRequest'];
export type Verdict = Schemas['Verdict'];
export type GateCheck = Schemas['GateCheck'];

export type ModelFilters = NonNullable<paths['/api/models/']['get']['parameters']['query']>;

/** Models of one page of the list. */
export const MODELS_PAGE = 100;

export const modelKeys = {
  all: ['models'] as const,
  lists: () => [...modelKeys.all, 'list'] as const,
  list: (filters: ModelFilters) => [...modelKeys.lists(), filters] as const,
  detail: (modelId: string) => [...modelKeys.all, 'detail', modelId] as const,
  trail: () => [...modelKeys.all, 'trail'] as const,
};

export function modelsQuery(filters: ModelFilters) {
  return queryOptions({
    queryKey: modelKeys.list(filters),
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/models/', { params: { query: { limit: MODELS_PAGE, ...filters } }, signal })),
    placeholderData: keepPreviousData,
  });
}

/** A model with its versions, newest first. */
export function modelQuery(modelId: string) {
  return queryOptions({
    queryKey: modelKeys.detail(modelId),
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/models/{model_id}', { params: { path: { model_id: modelId } }, signal })),
  });
}

/** Defines a model, or finds the one that has this definition. */
export function useCreateModel() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: ModelRequest) => unwrap(api.POST('/api/models/', { body })),
    onSuccess: () => client.invalidateQueries({ queryKey: modelKeys.lists() }),
  });
}

/** Names, describes or tags a model. */
export function useChangeModel(modelId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Schemas['ModelChange']) =>
      unwrap(api.PATCH('/api/models/{model_id}', { params: { path: { model_id: modelId } }, body })),
    onSuccess: () => refreshModels(client),
  });
}

/** Deletes a model with its versions; one of which a version serves only by `force`. */
export function useDeleteModel(modelId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (query: { force: boolean; reason: string }) => {
      // Its answer has no body.
      const { response, error } = await api.DELETE('/api/models/{model_id}', {
        params: { path: { model_id: modelId }, query },
      });
      if (!response.ok) throw problemFrom(response, error);
    },
    onSuccess: async () => {
      client.removeQueries({ queryKey: modelKeys.detail(modelId) });
      await client.invalidateQueries({ queryKey: modelKeys.lists() });
      await client.invalidateQueries({ queryKey: modelKeys.trail() });
    },
  });
}

/** Reads again all that tells of models: after a training, a promotion, a change. */
export async function refreshModels(client: ReturnType<typeof useQueryClient>): Promise<void> {
  await client.invalidateQueries({ queryKey: modelKeys.all });
}
