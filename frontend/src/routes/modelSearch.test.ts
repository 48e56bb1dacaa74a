import { describe, expect, it } from 'vitest';
import {
  readCompareSearch,
  readModelSearch,
  readModelsSearch,
  readNewModelSearch,
  readPredictSearch,
} from './modelSearch';

const ID = '11111111-1111-4111-8111-111111111111';

describe('addresses of models and predictions', () => {
  it('keep what makes sense and drop the rest', () => {
    expect(readModelsSearch({ tab: 'trail', ticker: 2330, sort: '-skill', odd: 1 })).toEqual({
      tab: 'trail',
      ticker: '2330',
      sort: '-skill',
    });
    expect(readModelsSearch({ tab: 'models' })).toEqual({});
    expect(readNewModelSearch({ from: '../etc', ticker: 'AAPL' })).toEqual({ ticker: 'AAPL' });
    expect(readModelSearch({ tab: 'evidence', version: 2, train: ID, cost: 101, horizon: 0 })).toEqual({
      version: 2,
      train: ID,
    });
    expect(readModelSearch({ tab: 'backtest', cost: 20, mode: 'long_short', version: 1.5 })).toEqual({
      tab: 'backtest',
      cost: 20,
      mode: 'long_short',
    });
    expect(readCompareSearch({ a: 1, b: -2 })).toEqual({ a: 1 });
    expect(readPredictSearch({ mode: 'path', task: ID, origin: 'nobody', settled: 'true' })).toEqual({
      mode: 'path',
      task: ID,
    });
  });
});
