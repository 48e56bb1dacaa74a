import type { Exchange } from '@/api/etl';
import type { Simulation, SimulationRequest } from '@/api/simulations';
import { DEFAULT_POLICY, formOf, policyOf, type PolicyForm } from '@/features/retraining/policyForm';

/** By new sessions, by a whole policy, or never. */
export const RETRAIN_BY = ['sessions', 'policy', 'never'] as const;
export type RetrainBy = (typeof RETRAIN_BY)[number];

/** What is asked for, as it is typed. */
export interface SimulationForm {
  name: string;
  source: 'sample' | 'stored';
  exchange: Exchange;
  tickers: string[];
  first: string;
  last: string;
  modelType: string;
  /** as an earlier simulation had them; none: the default set */
  features: string[];
  seed: number;
  retrainBy: RetrainBy;
  every: number | string;
  policy: PolicyForm;
  cost: number | string;
  verify: number | string;
}

export const SIMULATION_FIELDS = [
  'name',
  'source',
  'exchange',
  'tickers',
  'first',
  'last',
  'model_type',
  'retrain_every',
  'cost_bps',
  'verify',
] as const;

/** The shipped sample's years in which a month of training again shows what it is about. */
export const EXAMPLE: SimulationForm = {
  name: '',
  source: 'sample',
  exchange: 'US',
  tickers: ['AAPL', 'MSFT', 'IBM', 'GOOG'],
  first: '2010-01-04',
  last: '2013-12-31',
  modelType: 'ridge',
  features: [],
  seed: 7,
  retrainBy: 'sessions',
  every: 21,
  policy: formOf(DEFAULT_POLICY),
  cost: 5,
  verify: 20,
};

/** A form that asks for the same as an earlier simulation. */
export function formLike({ name, request }: Simulation): SimulationForm {
  return {
    name,
    source: request.source,
    // The API told it, so it is one that it knows.
    exchange: request.exchange as Exchange,
    tickers: [...request.tickers],
    first: request.first,
    last: request.last,
    modelType: request.model_type,
    features: [...request.features],
    seed: request.seed,
    retrainBy: 'policy',
    every: EXAMPLE.every,
    policy: formOf(request.policy),
    cost: request.cost_bps,
    verify: request.verify,
  };
}

/** What is typed wrongly is sent as it is: the API says what is wrong with it. */
export function requestOf(form: SimulationForm): SimulationRequest {
  return {
    name: form.name,
    source: form.source,
    exchange: form.exchange,
    tickers: form.tickers,
    first: form.first,
    last: form.last,
    model_type: form.modelType,
    features: form.features,
    retrain_every: form.retrainBy === 'sessions' ? (form.every as number) : null,
    policy: form.retrainBy === 'policy' ? policyOf(form.policy) : null,
    cost_bps: form.cost as number,
    verify: form.verify as number,
    seed: form.seed,
  };
}
