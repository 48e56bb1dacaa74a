import { expect, it } from 'vitest';
import { readStockSearch } from './stockSearch';

it('keeps what makes sense of an address, and drops the rest', () => {
  const id = '11111111-1111-4111-8111-111111111111';
  expect(readStockSearch({ range: '1y', train: id, path: '../etc' })).toEqual({ range: '1y', train: id });
  expect(readStockSearch({ range: '6m' })).toEqual({});
  expect(readStockSearch({ range: 'toString', other: 1 })).toEqual({});
});

it('keeps known indicators in their order, and a prediction only by its id', () => {
  const id = '11111111-1111-4111-8111-111111111111';
  expect(readStockSearch({ indicators: 'rsi,nonsense,ma', prediction: id })).toEqual({
    indicators: 'ma,rsi',
    prediction: id,
  });
  expect(readStockSearch({ indicators: 'nonsense', settled: 'no', prediction: '7' })).toEqual({});
});
