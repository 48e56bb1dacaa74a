import type { Scheme } from './formState';

/** Half-open range of sessions. */
export type Window = readonly [start: number, end: number];

export interface FoldWindows {
  train: readonly Window[];
  test: Window;
}

/** As the trainer has them (`forecasting/splitter.py`); a picture of what will be done, which decides nothing. */
const MIN_TRAIN = 252;
const MIN_TEST = 21;
const FIRST_TRAIN_SHARE = 1 / 3;

interface Validation {
  folds: number;
  horizon: number;
  embargo: number;
  scheme: Scheme;
}

/** Fewest sessions that can be split. */
export function minimumLength({ folds, horizon, embargo, scheme }: Validation): number {
  const gap = horizon + embargo;
  if (scheme !== 'purged_kfold') return MIN_TRAIN + gap + folds * MIN_TEST + horizon;
  const toTrain = Math.ceil(((MIN_TRAIN + 2 * gap) * folds) / (folds - 1)) + folds;
  return horizon + Math.max(toTrain, folds * MIN_TEST);
}

/** Windows of nearly equal length. */
function windows(start: number, end: number, folds: number): Window[] {
  const edge = (step: number) => start + Math.floor(((end - start) * step) / folds);
  return Array.from({ length: folds }, (_, index) => [edge(index), edge(index + 1)] as const);
}

/** How a history of so many sessions is split, oldest test window first; none when it is too short. */
export function splitHistory(length: number, validation: Validation): FoldWindows[] {
  const { folds, horizon, embargo, scheme } = validation;
  if (length < minimumLength(validation)) return [];
  const gap = horizon + embargo;
  const labelled = length - horizon;
  if (scheme === 'purged_kfold') {
    return windows(0, labelled, folds).map((test) => ({
      test,
      train: (
        [
          [0, test[0] - gap],
          [test[1] + gap, labelled],
        ] as Window[]
      ).filter(([from, to]) => to > from),
    }));
  }
  const wanted = Math.max(MIN_TRAIN + gap, Math.floor(length * FIRST_TRAIN_SHARE));
  const first = Math.min(wanted, labelled - folds * MIN_TEST);
  return windows(first, labelled, folds).map((test) => ({
    test,
    train: [[scheme === 'expanding' ? 0 : test[0] - first, test[0] - gap]],
  }));
}
