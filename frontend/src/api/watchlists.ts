import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import type { Instrument } from '@/shared/instrument';
import { problemFrom } from '@/shared/problem';
import { api, unwrap } from './client';
import { requested } from './exchange';
import type { components } from './schema';

export type Watchlist = components['schemas']['Watchlist'];

/** A list as a form has it; without an id it is a new one. */
export interface WatchlistDraft {
  id: string | null;
  name: string;
  instruments: readonly Instrument[];
}

const watchlistKey = ['watchlists'] as const;

/** The reader's own lists, by name. */
export function watchlistsQuery() {
  return queryOptions({
    queryKey: watchlistKey,
    queryFn: async ({ signal }) => (await unwrap(api.GET('/api/watchlists', { signal }))).items,
  });
}

/** Makes a list, or replaces one. */
export function useSaveWatchlist() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, name, instruments }: WatchlistDraft) => {
      const body = { name: name.trim(), instruments: instruments.map(requested) };
      return id === null
        ? unwrap(api.POST('/api/watchlists', { body }))
        : unwrap(api.PUT('/api/watchlists/{watchlist_id}', { params: { path: { watchlist_id: id } }, body }));
    },
    onSuccess: () => client.invalidateQueries({ queryKey: watchlistKey }),
  });
}

export function useDeleteWatchlist() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (id: string) => {
      // Its answer has no body.
      const { response, error } = await api.DELETE('/api/watchlists/{watchlist_id}', {
        params: { path: { watchlist_id: id } },
      });
      if (!response.ok) throw problemFrom(response, error);
    },
    onSuccess: () => client.invalidateQueries({ queryKey: watchlistKey }),
  });
}
