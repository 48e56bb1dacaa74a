import { uuidOf } from './searchValues';

/** What the overview keeps in its address. */
export interface OverviewSearch {
  /** the watchlist that is shown; none: all stocks */
  list?: string | undefined;
}

/** Reads the address; what makes no sense is left out. */
export function readOverviewSearch(search: Record<string, unknown>): OverviewSearch {
  return { list: uuidOf(search.list) };
}
