import { expect, it } from 'vitest';
import { chartColors } from '@/testing/factories';
import { barsChart, linesChart, reliabilityChart } from './builders';

interface Series {
  data: unknown[];
}

function seriesOf(option: object): Series[] {
  return (option as { series: Series[] }).series;
}

it('puts the largest bar on top, and the fall in the colour of falls', () => {
  const build = barsChart({
    bars: [
      { name: 'a', value: 2, note: '' },
      { name: 'b', value: -1, note: '' },
    ],
    write: String,
    measure: 'm',
  });
  const colors = chartColors();
  const option = build(colors);
  expect((option.yAxis as { data: string[] }).data).toEqual(['b', 'a']);
  expect(seriesOf(option)[0]?.data).toMatchObject([
    { value: -1, itemStyle: { color: colors.down } },
    { value: 2, itemStyle: { color: colors.up } },
  ]);
});

it('draws the level that lines are compared with from their first value to their last', () => {
  const values = [
    [1, 0.5],
    [2, 0.6],
    [4, 0.7],
  ] as const;
  const option = linesChart({
    lines: [{ name: 'a', values, color: () => '#000' }],
    x: { kind: 'value', name: '', write: String },
    y: { write: String },
    level: { value: 0.9, name: 'stated' },
  })(chartColors());
  expect(seriesOf(option).map((series) => series.data)).toEqual([
    values,
    [
      [1, 0.9],
      [4, 0.9],
    ],
  ]);
});

it('draws the diagonal of honest chances over the range that is shown', () => {
  const bins = [
    { stated: 0.48, observed: 0.5, n: 40 },
    { stated: 0.56, observed: 0.52, n: 40 },
  ];
  const words = { stated: 's', observed: 'o', perfect: 'p', forecasts: 'f' };
  const option = reliabilityChart({ bins, write: String, words })(chartColors());
  const axis = option.xAxis as { min: number; max: number };
  expect([axis.min, axis.max]).toEqual([expect.closeTo(0.4), expect.closeTo(0.65)]);
  expect(seriesOf(option)[1]?.data).toEqual([
    [0.48, 0.5],
    [0.56, 0.52],
  ]);
});
