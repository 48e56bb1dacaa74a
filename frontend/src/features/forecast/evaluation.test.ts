import { expect, it } from 'vitest';
import { horizonScores } from './evaluation';

it('reads the scores of each horizon, nearest first', () => {
  const scores = horizonScores({
    horizons: [
      {
        horizon: 2,
        skill: -0.01,
        dm_p_value: 0.6,
        beats_random_walk: false,
        direction_accuracy: 0.51,
        coverage: 0.9,
      },
      {
        horizon: 1,
        skill: 0.02,
        dm_p_value: 0.01,
        beats_random_walk: true,
        direction_accuracy: null,
        coverage: null,
      },
    ],
  });
  expect(scores.map((score) => [score.horizon, score.beatsRandomWalk])).toEqual([
    [1, true],
    [2, false],
  ]);
  expect(scores[0]).toMatchObject({ skill: 0.02, pValue: 0.01, directionAccuracy: null });
});

it('makes nothing of metrics that have another shape', () => {
  expect(horizonScores({})).toEqual([]);
  expect(horizonScores({ horizons: [null, 3, { skill: 1 }] })).toEqual([]);
});
