import { keepPreviousData, queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api, unwrap } from './client';
import { refreshRetrainings, retrainingKeys } from './retrainingKeys';
import type { components } from './schema';

type Schemas = components['schemas'];

export type RetrainingState = Schemas['Retraining']['state'];
export type Retraining = Schemas['RetrainingRecord'];
export type RetrainingStep = Schemas['RetrainingStep'];
export type RetrainingReason = Schemas['RetrainingReason'];
export type RetrainingPolicy = Schemas['RetrainingPolicy'];
export type RetrainingEvidence = Schemas['RetrainingEvidence'];
export type ModelRetrainingPolicy = Schemas['ModelRetrainingPolicy'];
export type TriggerMode = Schemas['RetrainingRule']['mode'];

/** Each step is told over `/ws/alerts`; what is under way is read again by itself too, in case none of that came (ms). */
const OPEN_INTERVAL = 20_000;
/** What the triggers look at changes with each session, which in a replay is every few seconds (ms). */
const EVIDENCE_INTERVAL = 15_000;

function whileOpen(items: readonly Retraining[] | undefined): number | false {
  return items?.some((item) => item.ended_at === null) ? OPEN_INTERVAL : false;
}

/** A model's retrainings, the newest first, each with its steps. */
export function retrainingsQuery(modelId: string, limit: number) {
  return queryOptions({
    queryKey: [...retrainingKeys.model(modelId), 'list', limit] as const,
    queryFn: async ({ signal }) => {
      const params = { path: { model_id: modelId }, query: { limit } };
      return (await unwrap(api.GET('/api/models/{model_id}/retrainings', { params, signal }))).items;
    },
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => whileOpen(state.data),
  });
}

/** Those of all models that are in one of these states. */
export function allRetrainingsQuery(state: readonly RetrainingState[], limit: number) {
  return queryOptions({
    queryKey: [...retrainingKeys.lists(), state, limit] as const,
    queryFn: async ({ signal }) => {
      const query = { state: [...state], limit };
      return (await unwrap(api.GET('/api/retrainings', { params: { query }, signal }))).items;
    },
    placeholderData: keepPreviousData,
    refetchInterval: ({ state: { data } }) => whileOpen(data),
  });
}

export function retrainingPolicyQuery(modelId: string) {
  return queryOptions({
    queryKey: [...retrainingKeys.model(modelId), 'policy'] as const,
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api/models/{model_id}/retraining-policy', {
          params: { path: { model_id: modelId } },
          signal,
        }),
      ),
  });
}

/** What the triggers would look at now. */
export function retrainingEvidenceQuery(modelId: string) {
  return queryOptions({
    queryKey: [...retrainingKeys.model(modelId), 'evidence'] as const,
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api/models/{model_id}/retraining-evidence', {
          params: { path: { model_id: modelId } },
          signal,
        }),
      ),
    refetchInterval: EVIDENCE_INTERVAL,
  });
}

/** The policies of all models that were given one. */
export function retrainingPoliciesQuery() {
  return queryOptions({
    queryKey: retrainingKeys.policies(),
    queryFn: async ({ signal }) => (await unwrap(api.GET('/api/retraining-policies', { signal }))).items,
  });
}

export function useSetPolicy(modelId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: RetrainingPolicy) =>
      unwrap(
        api.PUT('/api/models/{model_id}/retraining-policy', {
          params: { path: { model_id: modelId } },
          body,
        }),
      ),
    onSuccess: async (policy) => {
      client.setQueryData(retrainingPolicyQuery(modelId).queryKey, policy);
      await client.invalidateQueries({ queryKey: retrainingKeys.policies() });
    },
  });
}

/** Starts one by hand. */
export function useStartRetraining(modelId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (reason: string) =>
      unwrap(
        api.POST('/api/models/{model_id}/retrainings', {
          params: { path: { model_id: modelId } },
          body: { reason },
        }),
      ),
    onSuccess: () => refreshRetrainings(client),
  });
}

/** Lets a proposal begin. One that has moved on meanwhile is refused, so that is read again as well. */
export function useApproveRetraining() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      unwrap(
        api.POST('/api/retrainings/{retraining_id}/approve', { params: { path: { retraining_id: id } } }),
      ),
    onSettled: () => refreshRetrainings(client),
  });
}

/** Ends one; what serves goes on serving. */
export function useCancelRetraining() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, reason }: { id: string; reason: string }) =>
      unwrap(
        api.POST('/api/retrainings/{retraining_id}/cancel', {
          params: { path: { retraining_id: id } },
          body: { reason },
        }),
      ),
    onSettled: () => refreshRetrainings(client),
  });
}
