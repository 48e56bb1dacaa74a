import { describe, expect, it } from 'vitest';
import { ApiProblem } from '@/shared/problem';
import { fieldErrors, firstSection } from './fieldErrors';
import { fromSpec, INITIAL, toRequest, withModelType } from './formState';

const RIDGE = {
  name: 'ridge',
  title: 'Ridge',
  description: '',
  tasks: ['regression' as const],
  available: true,
  unavailable_because: null,
  params: { properties: { alpha: { type: 'number' } } },
  search_space: { alpha: {} },
};

describe('toRequest', () => {
  it('asks for one ticker, or a panel, and for what the API takes by itself where nothing was chosen', () => {
    const one = toRequest({ ...INITIAL, ticker: 'AAPL', folds: '' });
    expect(one).toMatchObject({ ticker: 'AAPL', exchange: 'US', features: null, start: null, search: null });
    expect(one).not.toHaveProperty('panel');
    expect(one.validation?.folds).toBeUndefined();
    const panel = toRequest({
      ...INITIAL,
      kind: 'panel',
      panel: 'tech',
      tickers: ['AAPL', 'IBM'],
      search: true,
    });
    expect(panel).toMatchObject({
      panel: 'tech',
      tickers: ['AAPL', 'IBM'],
      search: { trials: 20, timeout: 600 },
    });
    expect(panel).not.toHaveProperty('ticker');
  });

  it('gives the definition again that a form was made from', () => {
    const spec = {
      exchange: 'US',
      ticker: 'IBM',
      panel: null,
      tickers: [],
      model_type: 'ridge',
      task: 'regression',
      features: ['return_1'],
      horizon: 3,
      start: '2001-01-02',
      end: null,
      seed: 1,
      validation: { folds: 4, scheme: 'rolling', embargo: 2 },
      params: { alpha: 10 },
      search: null,
    };
    const { panel, tickers, ...rest } = spec;
    expect([panel, tickers]).toEqual([null, []]);
    expect(toRequest(fromSpec(spec))).toEqual(rest);
  });
});

describe('withModelType', () => {
  it('drops what the other model type does not have', () => {
    const before = { ...INITIAL, modelType: 'mlp', task: 'direction' as const, params: { dropout: 0.1 } };
    expect(withModelType(before, RIDGE)).toMatchObject({ modelType: 'ridge', task: null, params: {} });
    const walk = { ...RIDGE, name: 'random_walk', search_space: {} };
    expect(withModelType({ ...before, search: true }, walk).search).toBe(false);
  });
});

describe('fieldErrors', () => {
  it("finds the form's fields in the API's words, one for each parameter", () => {
    const problem = new ApiProblem(422, 'Invalid', '', [
      { field: 'body.horizon', message: 'at most 60' },
      { field: 'params.alpha', message: 'above 0, got -1; params.beta: unknown parameter' },
      { field: 'tickers.3', message: 'not a ticker' },
    ]);
    const errors = fieldErrors(problem);
    expect(errors).toEqual({
      horizon: 'at most 60',
      'params.alpha': 'above 0, got -1',
      'params.beta': 'unknown parameter',
      tickers: 'not a ticker',
    });
    expect(firstSection(errors)).toBe('subject');
    expect(firstSection({ 'params.alpha': '' })).toBe('model');
    expect(firstSection({ gate: '' })).toBeNull();
  });
});
