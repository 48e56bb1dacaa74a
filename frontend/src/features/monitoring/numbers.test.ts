import { expect, it } from 'vitest';
import type { Monitored, MonitoredNumber } from '@/api/monitoring';
import { conditionsOf, coverageOf, groupSeries, numberOf } from './numbers';

function monitored(numbers: MonitoredNumber[]): Monitored {
  return {
    exchange: 'US',
    ticker: 'AAPL',
    session: '2012-09-14',
    measured_at: '2026-11-21T10:00:00Z',
    model_name: null,
    model_version: null,
    numbers,
  };
}

const drift = { monitor: 'drift', part: '', measure: 'sessions', value: 4, threshold: 3 } as const;
const coverage = { monitor: 'coverage', part: '1', measure: '0.9', value: 0.95, threshold: 0.9 } as const;

it('takes for a condition what is beyond its limit, but no coverage above its level', () => {
  const found = conditionsOf(
    monitored([drift, coverage, { ...drift, measure: 'features', threshold: null }]),
  );
  expect(found).toEqual([drift]);
});

it('finds a number by its monitor, measure and part', () => {
  expect(numberOf(monitored([drift]), 'drift', 'sessions', '')).toEqual(drift);
  expect(numberOf(monitored([drift]), 'drift', 'sessions', 'trend')).toBeNull();
  expect(coverageOf(monitored([drift, coverage]))).toEqual(coverage);
});

it('draws the parts of one measure together', () => {
  const series = (part: string, measure: string) => ({
    monitor: 'drift' as const,
    part,
    measure,
    points: [],
  });
  const groups = groupSeries([
    series('trend', 'statistic'),
    series('', 'features'),
    series('volume', 'statistic'),
  ]);
  expect(groups.map((group) => [group.measure, group.lines.map((line) => line.part)])).toEqual([
    ['statistic', ['trend', 'volume']],
    ['features', ['']],
  ]);
});
