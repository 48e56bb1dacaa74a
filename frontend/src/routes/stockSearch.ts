import { DEFAULT_RANGE, isRange, type Range } from '@/features/stock/range';

/** What the stock page keeps in its address, so that a reload or a link shows the same. */
export interface StockSearch {
  /** sessions on the chart */
  range?: Range;
  /** the training that is followed */
  train?: string;
  /** the future path that is shown */
  path?: string;
}

const TASK_ID = /^[0-9a-f-]{36}$/i;

function taskId(value: unknown): string | undefined {
  return typeof value === 'string' && TASK_ID.test(value) ? value : undefined;
}

/** Reads the address; what makes no sense is left out. */
export function readStockSearch(search: Record<string, unknown>): StockSearch {
  const range = isRange(search.range) && search.range !== DEFAULT_RANGE ? search.range : undefined;
  return { range, train: taskId(search.train), path: taskId(search.path) };
}
