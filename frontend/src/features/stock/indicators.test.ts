import { expect, it } from 'vitest';
import { buildIndicators, featuresOf, indicatorsFromText } from './indicators';

it('asks for the features of the indicators that are on, and no others', () => {
  expect(featuresOf(indicatorsFromText('rsi,ma,nonsense'))).toEqual(['MA5', 'MA10', 'rsi_14']);
  expect(featuresOf(indicatorsFromText(undefined))).toEqual([]);
});

it('makes a line of each feature that came, in its pane and the colour of the theme', () => {
  const series = {
    exchange: 'US',
    ticker: 'AAPL',
    sessions: ['2012-09-13', '2012-09-14'],
    features: { MA5: [null, 99.5] },
  };
  const lines = buildIndicators(['ma', 'rsi'], series, (variable) => `of ${variable}`);
  expect(lines).toEqual([
    {
      id: 'MA5',
      pane: 'price',
      kind: 'line',
      dashed: false,
      color: 'of --line-1',
      points: [
        { session: '2012-09-13', value: null },
        { session: '2012-09-14', value: 99.5 },
      ],
    },
  ]);
});

it('draws nothing before the features have come', () => {
  expect(buildIndicators(['ma'], undefined, () => '')).toEqual([]);
});
