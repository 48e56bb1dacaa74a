import { expect, it } from 'vitest';
import { createFormat } from '@/shared/format/format';
import { chartColors, prediction } from '@/testing/factories';
import { pathOption, pathPoints } from './pathOption';

const closes = [
  { session: '2012-09-13', close: 99 },
  { session: '2012-09-14', close: 100 },
];
const path = [prediction({ lower: 98, upper: 104 })];

it('begins at the last close, and puts no close of a later session before the path', () => {
  expect(pathPoints([...closes, { session: '2012-09-17', close: 103 }], path)).toEqual([
    { session: '2012-09-13', close: 99, forecast: null, lower: null, upper: null },
    { session: '2012-09-14', close: 100, forecast: 100, lower: 100, upper: 100 },
    { session: '2012-09-17', close: null, forecast: 101, lower: 98, upper: 104 },
  ]);
  expect(pathPoints(closes, [])).toEqual([]);
});

it('draws the interval as a band from its lower end, as high as it is wide', () => {
  const words = { close: 'Close', forecast: 'Forecast', interval: 'Interval' };
  const option = pathOption(pathPoints(closes, path), words, createFormat('en'))(chartColors());
  const series = option.series as { name: string; data: (number | null)[] }[];
  expect(series.map((item) => item.data)).toEqual([
    [null, 100, 98],
    [null, 0, 6],
    [99, 100, null],
    [null, 100, 101],
  ]);
});
