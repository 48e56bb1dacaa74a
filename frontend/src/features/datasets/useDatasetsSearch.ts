import { getRouteApi } from '@tanstack/react-router';

const route = getRouteApi('/datasets');

/** What the page keeps in its address, and a function that changes some of it. */
export function useDatasetsSearch() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  return {
    search,
    /** A panel that opens makes a history entry, so that the browser's "back" closes it; typing makes none. */
    update: (change: Partial<typeof search>, { replace = true } = {}) => {
      void navigate({ search: (before) => ({ ...before, ...change }), replace, resetScroll: false });
    },
  };
}
