import { getRouteApi } from '@tanstack/react-router';

const route = getRouteApi('/predict');

/** What the page keeps in its address, and a function that changes some of it without a new history entry. */
export function usePredictSearch() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  return {
    search,
    update: (change: Partial<typeof search>) => {
      void navigate({ search: (before) => ({ ...before, ...change }), replace: true, resetScroll: false });
    },
  };
}
