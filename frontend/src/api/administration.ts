import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { problemFrom } from '@/shared/problem';
import { api, unwrap } from './client';
import type { components } from './schema';

export type Account = components['schemas']['Account'];
export type AccountRequest = components['schemas']['AccountRequest'];
export type AccountChange = components['schemas']['AccountChange'];
export type ApiKey = components['schemas']['ApiKey'];
export type ApiKeyRequest = components['schemas']['ApiKeyRequest'];
export type AuditedCall = components['schemas']['AuditedCall'];
export type Role = components['schemas']['Role'];

const AUDIT_PAGE = 100;

const adminKeys = {
  accounts: ['admin', 'accounts'] as const,
  keys: ['admin', 'keys'] as const,
  audit: (actor: string | undefined) => ['admin', 'audit', actor ?? ''] as const,
};

export function accountsQuery() {
  return queryOptions({
    queryKey: adminKeys.accounts,
    queryFn: async ({ signal }) => (await unwrap(api.GET('/api/accounts', { signal }))).items,
  });
}

export function useCreateAccount() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: AccountRequest) => unwrap(api.POST('/api/accounts', { body })),
    onSuccess: () => client.invalidateQueries({ queryKey: adminKeys.accounts }),
  });
}

export function useChangeAccount() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, change }: { id: string; change: AccountChange }) =>
      unwrap(api.PATCH('/api/accounts/{account_id}', { params: { path: { account_id: id } }, body: change })),
    onSuccess: () => client.invalidateQueries({ queryKey: adminKeys.accounts }),
  });
}

export function apiKeysQuery() {
  return queryOptions({
    queryKey: adminKeys.keys,
    queryFn: async ({ signal }) => (await unwrap(api.GET('/api/api-keys', { signal }))).items,
  });
}

/** Its answer carries the key itself, this once. */
export function useCreateApiKey() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: ApiKeyRequest) => unwrap(api.POST('/api/api-keys', { body })),
    onSuccess: () => client.invalidateQueries({ queryKey: adminKeys.keys }),
  });
}

export function useRevokeApiKey() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (id: string) => {
      // Its answer has no body.
      const { response, error } = await api.DELETE('/api/api-keys/{key_id}', {
        params: { path: { key_id: id } },
      });
      if (!response.ok) throw problemFrom(response, error);
    },
    onSuccess: () => client.invalidateQueries({ queryKey: adminKeys.keys }),
  });
}

/** Who changed what, newest first, page after page; of one actor or of all. */
export function auditQuery(actor: string | undefined) {
  return infiniteQueryOptions({
    queryKey: adminKeys.audit(actor),
    queryFn: ({ pageParam, signal }) =>
      unwrap(
        api.GET('/api/audit', { params: { query: { limit: AUDIT_PAGE, before: pageParam, actor } }, signal }),
      ),
    initialPageParam: null as number | null,
    getNextPageParam: (page) => page.next,
    staleTime: 0,
  });
}
