import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { watchlistsQuery, type Watchlist } from '@/api/watchlists';

const route = getRouteApi('/');

/** The watchlist in the page's address; undefined for all stocks, or when it is no more. */
export function useShownList() {
  const { list: id } = route.useSearch();
  const navigate = route.useNavigate();
  const lists = useQuery(watchlistsQuery());
  const shown: Watchlist | undefined = lists.data?.find((item) => item.watchlist_id === id);
  return {
    lists,
    shown,
    /** whether the one that is asked for may still come */
    pending: id !== undefined && lists.isPending,
    show: (list: string | undefined) => {
      void navigate({ search: { list }, replace: true });
    },
  };
}
