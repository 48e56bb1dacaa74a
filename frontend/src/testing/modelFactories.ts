import type { FeatureCatalogue, ModelTypeOption } from '@/api/modelOptions';
import type { ListedModel, ModelDetail, ModelVersion, Verdict } from '@/api/models';

export const MODEL_ID = '22222222-2222-4222-8222-222222222222';

export function verdict(change: Partial<Verdict> = {}): Verdict {
  return {
    passed: true,
    champion: null,
    window: 'none',
    sessions: 0,
    checks: [
      {
        name: 'calibrated',
        passed: true,
        expected: '85 % to 95 %',
        got: '90.1 % at 1 ahead',
        numbers: {},
        alarm: false,
      },
    ],
    ...change,
  };
}

export function modelVersion(change: Partial<ModelVersion> = {}): ModelVersion {
  return {
    registered_name: 'stock-US-AAPL',
    version: 1,
    run_id: 'run',
    alias: 'champion',
    horizon: 2,
    data_version: 'data0123456789',
    feature_version: 'f1',
    trained_until: '2012-09-14',
    metrics: {
      horizons: [
        { horizon: 1, skill: -0.001, dm_p_value: 0.6, beats_random_walk: false, coverage: 0.9, rmse: 0.02 },
        { horizon: 2, skill: 0.004, dm_p_value: 0.3, beats_random_walk: false, coverage: 0.91, rmse: 0.03 },
      ],
    },
    verdict: verdict(),
    created_at: '2026-11-21T10:00:00Z',
    ...change,
  };
}

const MODEL = {
  model_id: MODEL_ID,
  name: 'US:AAPL ridge h2',
  exchange: 'US',
  ticker: 'AAPL',
  panel: null,
  model_type: 'ridge',
  registered_name: 'stock-US-AAPL',
  spec: { ticker: 'AAPL', exchange: 'US', horizon: 2, features: ['return_1'], model_type: 'ridge' },
  description: '',
  tags: [],
  created_at: '2026-11-21T10:00:00Z',
};

export function modelDetail(change: Partial<ModelDetail> = {}): ModelDetail {
  return { ...MODEL, aliases: { champion: 1 }, versions: [modelVersion()], ...change };
}

export function listedModel(change: Partial<ListedModel> = {}): ListedModel {
  return {
    ...MODEL,
    versions: 1,
    champion: 1,
    newest: {
      version: 1,
      alias: 'champion',
      trained_until: '2012-09-14',
      created_at: '2026-11-21T10:00:00Z',
      skill: -0.001,
      beats_random_walk: [],
    },
    ...change,
  };
}

export function modelTypes(): ModelTypeOption[] {
  const known = { available: true, unavailable_because: null, description: '' };
  return [
    {
      ...known,
      name: 'ridge',
      title: 'Ridge regression',
      tasks: ['regression'],
      params: {
        properties: {
          alpha: { anyOf: [{ type: 'number', exclusiveMinimum: 0 }, { type: 'null' }], default: null },
        },
      },
      search_space: { alpha: {} },
    },
    {
      ...known,
      name: 'mlp',
      title: 'Multilayer perceptron',
      tasks: ['regression', 'direction'],
      available: false,
      unavailable_because: 'needs JAX: install the extra mlp',
      params: {},
      search_space: {},
    },
  ];
}

export function featureCatalogue(): FeatureCatalogue {
  const known = { inputs: ['close'], lookback: 5, stationary: true };
  return {
    feature_version: 'f1',
    groups: [
      { name: 'momentum', description: 'Where the price has gone.', features: ['return_1', 'rsi_14'] },
    ],
    features: [
      { ...known, name: 'return_1', group: 'momentum', description: 'log return', default: true },
      { ...known, name: 'rsi_14', group: 'momentum', description: "Wilder's index", default: false },
    ],
  };
}
