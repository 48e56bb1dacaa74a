import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { problemFrom, toProblem } from '@/shared/problem';
import { api, unwrap } from './client';
import type { components } from './schema';
import { session } from './session';

export type Identity = components['schemas']['Identity'];
export type Scope = components['schemas']['Scope'];

export const accessKeys = { me: ['access', 'me'] as const };

/** Who the page acts for, and what they may do. */
export function meQuery() {
  return queryOptions({
    queryKey: accessKeys.me,
    queryFn: ({ signal }) => unwrap(api.GET('/api/auth/me', { signal })),
    staleTime: Infinity,
  });
}

/** Whether there is a session, or none is needed. */
export function useSessionState() {
  return useSyncExternalStore(session.onState, session.state);
}

/** Whether the API would let this page do such a thing. Until it is known: yes; the API has the last word anyway. */
export function useMay(scope: Scope): boolean {
  const me = useQuery(meQuery());
  return me.data?.scopes.includes(scope) ?? true;
}

export function useLogin() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: { name: string; password: string }) =>
      unwrap(api.POST('/api/auth/login', { body: { ...body, cookie: true } })),
    onSuccess: ({ access_token }) => {
      // Nothing of whoever was here before.
      client.clear();
      session.begin(access_token);
    },
  });
}

export function useLogout() {
  return useMutation({
    mutationFn: async () => {
      // Its answer has no body.
      const { response, error } = await api.POST('/api/auth/logout');
      if (!response.ok) throw problemFrom(response, error);
    },
    onSuccess: () => {
      session.end();
    },
  });
}

/**
 * For one socket. None when it cannot be had just now: where access is off a socket opens without.
 *
 * @throws ApiProblem when there is no session.
 */
export async function socketTicket(): Promise<string | null> {
  try {
    return (await unwrap(api.POST('/api/auth/ws-ticket'))).ticket;
  } catch (error) {
    if (toProblem(error).status === 401) throw error;
    return null;
  }
}
