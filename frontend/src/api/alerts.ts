import { queryOptions, useMutation, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { api, unwrap } from './client';
import type { components } from './schema';

/** How an alert stands; the API keeps it, `/ws/alerts` tells of every change. */
export type Alert = components['schemas']['Alert'];

export interface AlertFilter {
  state?: Alert['state'] | undefined;
  severity?: Alert['severity'] | undefined;
}

const MOST = 200;

export const alertKeys = {
  all: ['alerts'] as const,
  list: ({ state, severity }: AlertFilter) => [...alertKeys.all, state ?? '', severity ?? ''] as const,
};

/** The newest alerts that the filter lets through. */
export function alertsQuery(filter: AlertFilter) {
  return queryOptions({
    queryKey: alertKeys.list(filter),
    queryFn: async ({ signal }) => {
      const query = { ...filter, limit: MOST };
      return (await unwrap(api.GET('/api/alerts', { params: { query }, signal }))).items;
    },
  });
}

/** After one was raised, changed or resolved. */
export function refreshAlerts(client: QueryClient): Promise<void> {
  return client.invalidateQueries({ queryKey: alertKeys.all });
}

/** Says that one has seen to an alert. */
export function useAcknowledge() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, comment }: { id: string; comment: string }) =>
      unwrap(
        api.POST('/api/alerts/{alert_id}/acknowledge', {
          params: { path: { alert_id: id } },
          body: { comment: comment.trim() || null },
        }),
      ),
    onSuccess: () => refreshAlerts(client),
  });
}
