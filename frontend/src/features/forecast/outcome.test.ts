import { describe, expect, it } from 'vitest';
import { prediction } from '@/testing/factories';
import { isInside, predictedChange, trackRecord } from './outcome';

describe('trackRecord', () => {
  it('counts only what has settled', () => {
    const record = trackRecord([prediction()]);
    expect(record).toMatchObject({ settled: 0, directionHits: null, coverage: null, meanError: null });
  });

  it('stands beside the random walk', () => {
    const record = trackRecord([
      prediction({ last_close: 100, predicted_close: 102, actual_close: 104 }),
      prediction({ last_close: 100, predicted_close: 99, predicted_return: -0.01, actual_close: 100 }),
    ]);
    expect(record.meanError).toBeCloseTo((2 / 104 + 1 / 100) / 2);
    expect(record.randomWalkError).toBeCloseTo((4 / 104 + 0) / 2);
  });

  it('counts directions where one was said and the price moved', () => {
    const record = trackRecord([
      prediction({ predicted_return: 0.01, last_close: 100, actual_close: 101 }),
      prediction({ predicted_return: 0.01, last_close: 100, actual_close: 99 }),
      prediction({ predicted_return: 0, last_close: 100, actual_close: 99 }),
      prediction({ predicted_return: 0.01, last_close: 100, actual_close: 100 }),
    ]);
    expect(record.directions).toBe(2);
    expect(record.directionHits).toBe(0.5);
  });

  it('measures coverage beside the level that was stated', () => {
    const record = trackRecord([
      prediction({ lower: 98, upper: 104, level: 0.9, actual_close: 98 }),
      prediction({ lower: 98, upper: 104, level: 0.8, actual_close: 105 }),
      prediction({ lower: null, upper: null, level: null, actual_close: 105 }),
    ]);
    expect(record.coverage).toBe(0.5);
    expect(record.statedCoverage).toBeCloseTo(0.85);
  });
});

it('holds nothing inside an interval that does not exist', () => {
  expect(isInside(prediction({ lower: null, upper: null }), 100)).toBe(false);
});

it('tells the predicted change as a share', () => {
  expect(predictedChange(prediction({ last_close: 100, predicted_close: 99 }))).toBeCloseTo(-0.01);
});
