import { getRouteApi } from '@tanstack/react-router';
import type { ModelFilters } from '@/api/models';

const route = getRouteApi('/models');

/** What the page keeps in its address, and a function that changes some of it without a new history entry. */
export function useModelsSearch() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  return {
    search,
    update: (change: Partial<typeof search>) => {
      void navigate({ search: (before) => ({ ...before, ...change }), replace: true, resetScroll: false });
    },
  };
}

type Search = ReturnType<typeof useModelsSearch>['search'];

/** The filters as the API takes them, which refuses those that it does not know in words of its own. */
export function filtersOf({ exchange, ticker, panel, type, tag }: Search): ModelFilters {
  return {
    exchange: exchange as ModelFilters['exchange'],
    ticker,
    panel,
    model_type: type as ModelFilters['model_type'],
    tag,
  };
}
