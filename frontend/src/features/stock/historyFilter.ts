import type { Prediction } from '@/api/predictions';

/** Which predictions are listed, beside all. */
export const SETTLED_FILTERS = ['settled', 'open'] as const;
export type SettledFilter = (typeof SETTLED_FILTERS)[number];

/** Those that have met their actual close, those that have not, or all. */
export function filterSettled(
  predictions: readonly Prediction[],
  filter: SettledFilter | undefined,
): readonly Prediction[] {
  if (!filter) return predictions;
  return predictions.filter((item) => (item.actual_close != null) === (filter === 'settled'));
}
