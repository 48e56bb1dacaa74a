import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { Instrument } from '@/shared/instrument';

const route = getRouteApi('/stock/$exchange/$ticker');

/** The instrument in the page's address; tickers and market codes are upper case whatever was typed. */
export function useInstrument(): Instrument {
  const { exchange, ticker } = route.useParams();
  return useMemo(
    () => ({ exchange: exchange.toUpperCase(), ticker: ticker.toUpperCase() }),
    [exchange, ticker],
  );
}

/** What the page keeps in its address, and a function that changes some of it without a new history entry. */
export function useStockSearch() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  return {
    search,
    update: (change: Partial<typeof search>) => {
      void navigate({ search: (before) => ({ ...before, ...change }), replace: true, resetScroll: false });
    },
  };
}
