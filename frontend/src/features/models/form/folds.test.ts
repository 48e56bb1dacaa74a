import { describe, expect, it } from 'vitest';
import { minimumLength, splitHistory } from './folds';

// The numbers are those of forecasting/splitter.py for the same arguments.
describe('splitHistory', () => {
  const base = { folds: 5, horizon: 5, embargo: 5 };

  it('trains on all that came before each test window when it expands', () => {
    const folds = splitHistory(3157, { ...base, scheme: 'expanding' });
    expect(folds.map((fold) => fold.test)).toEqual([
      [1052, 1472],
      [1472, 1892],
      [1892, 2312],
      [2312, 2732],
      [2732, 3152],
    ]);
    expect(folds[1]?.train).toEqual([[0, 1462]]);
  });

  it('trains on windows of one length when it rolls', () => {
    const folds = splitHistory(3157, { ...base, scheme: 'rolling' });
    expect(folds.map(({ train }) => (train[0]?.[1] ?? 0) - (train[0]?.[0] ?? 0))).toEqual(
      Array(5).fill(1042),
    );
  });

  it('trains on both sides of a test window in purged k-fold, and leaves the gaps out', () => {
    const folds = splitHistory(1000, { ...base, scheme: 'purged_kfold' });
    expect(folds[0]).toEqual({ test: [0, 199], train: [[209, 995]] });
    expect(folds[2]).toEqual({
      test: [398, 597],
      train: [
        [0, 388],
        [607, 995],
      ],
    });
  });

  it('splits nothing that is too short', () => {
    const validation = { ...base, scheme: 'expanding' as const };
    expect(minimumLength(validation)).toBe(372);
    expect(splitHistory(371, validation)).toEqual([]);
    expect(splitHistory(372, validation)).toHaveLength(5);
  });
});
