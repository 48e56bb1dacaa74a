import { SETTLED_FILTERS, type SettledFilter } from '@/features/stock/historyFilter';
import { indicatorsFromText } from '@/features/stock/indicators';
import { DEFAULT_RANGE, isRange, type Range } from '@/features/stock/range';
import { oneOf, textOf, uuidOf } from './searchValues';

/** What the stock page keeps in its address, so that a reload or a link shows the same. */
export interface StockSearch {
  /** sessions on the chart */
  range?: Range;
  /** indicators on the chart: `ma,rsi` */
  indicators?: string | undefined;
  /** the prediction whose details are open */
  prediction?: string | undefined;
  /** which predictions are listed */
  settled?: SettledFilter | undefined;
  /** the order of the list of predictions */
  sort?: string | undefined;
  /** the training that is followed */
  train?: string;
  /** the future path that is shown */
  path?: string;
}

/** Reads the address; what makes no sense is left out. */
export function readStockSearch(search: Record<string, unknown>): StockSearch {
  const range = isRange(search.range) && search.range !== DEFAULT_RANGE ? search.range : undefined;
  return {
    range,
    indicators: indicatorsFromText(textOf(search.indicators)).join(',') || undefined,
    prediction: uuidOf(search.prediction),
    settled: oneOf(search.settled, SETTLED_FILTERS),
    sort: textOf(search.sort),
    train: uuidOf(search.train),
    path: uuidOf(search.path),
  };
}
