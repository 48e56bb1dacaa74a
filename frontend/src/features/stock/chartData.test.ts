import { describe, expect, it } from 'vitest';
import { bar, prediction } from '@/testing/factories';
import { buildChartData, weekdaysBetween } from './chartData';

const bars = [bar('2012-09-13', 99), bar('2012-09-14', 100)];

describe('buildChartData', () => {
  it('shows the newest forecast of each closed session, of the horizon that is forecast now', () => {
    const old = prediction({
      target_session: '2012-09-14',
      made_at: '2026-11-21T10:00:00Z',
      predicted_close: 97,
    });
    const late = prediction({
      target_session: '2012-09-14',
      made_at: '2026-11-21T11:00:00Z',
      predicted_close: 98,
    });
    const far = prediction({ target_session: '2012-09-14', made_at: '2026-11-21T12:00:00Z', horizon: 5 });
    const newest = prediction({ as_of: '2012-09-14', target_session: '2012-09-17' });
    const { past } = buildChartData(bars, [newest, far, late, old], newest, []);
    expect(past.map((point) => [point.session, point.value])).toEqual([['2012-09-14', 98]]);
  });

  it('lets the newest forecast grow out of the close that it starts from', () => {
    const newest = prediction({ as_of: '2012-09-14', target_session: '2012-09-17' });
    const { future } = buildChartData(bars, [], newest, []);
    expect(future).toEqual([
      { session: '2012-09-14', value: 100, lower: 100, upper: 100 },
      { session: '2012-09-17', value: 101, lower: 98, upper: 104 },
    ]);
  });

  it('shows nothing ahead once the target session has closed', () => {
    const newest = prediction({ as_of: '2012-09-13', target_session: '2012-09-14' });
    expect(buildChartData(bars, [newest], newest, []).future).toEqual([]);
  });

  it('moves forecasts to the price basis of adjusted bars', () => {
    const split = prediction({
      as_of: '2012-09-14',
      last_close: 200,
      predicted_close: 202,
      lower: 196,
      upper: 208,
    });
    const { future } = buildChartData(bars, [], split, []);
    expect(future[1]).toMatchObject({ value: 101, lower: 98, upper: 104 });
  });

  it('shows a future path instead of the newest forecast', () => {
    const newest = prediction();
    const path = [
      prediction({ target_session: '2012-09-17', horizon: 1 }),
      prediction({ target_session: '2012-09-18', horizon: 2 }),
    ];
    const { future } = buildChartData(bars, [], newest, path);
    expect(future.map((point) => point.session)).toEqual(['2012-09-14', '2012-09-17', '2012-09-18']);
  });

  it('gives sessions between the last bar and a far forecast a place on the axis', () => {
    const newest = prediction({ as_of: '2012-09-14', target_session: '2012-09-19', horizon: 3 });
    expect(buildChartData(bars, [], newest, []).blanks).toEqual(['2012-09-17', '2012-09-18']);
  });

  it('works without bars and without forecasts', () => {
    expect(buildChartData([], [], null, [])).toEqual({ bars: [], past: [], future: [], blanks: [] });
  });
});

it('skips weekends, and stops at the other day or when there are enough', () => {
  expect(weekdaysBetween('2012-09-14', '2012-09-20', 10)).toEqual(['2012-09-17', '2012-09-18', '2012-09-19']);
  expect(weekdaysBetween('2012-09-14', '2012-12-20', 1)).toEqual(['2012-09-17']);
  expect(weekdaysBetween('2012-09-14', '2012-09-14', 5)).toEqual([]);
});
