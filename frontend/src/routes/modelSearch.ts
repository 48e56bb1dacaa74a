import { oneOf, textOf, uuidOf } from './searchValues';

function whole(value: unknown, least: number, most: number): number | undefined {
  const number = typeof value === 'number' && Number.isInteger(value) ? value : undefined;
  return number !== undefined && number >= least && number <= most ? number : undefined;
}

/** Largest version that the API takes. */
const MOST_VERSIONS = 2 ** 31 - 1;

/** What the page of models keeps in its address. */
export interface ModelsSearch {
  /** the list of trainings, of retrainings, or the trail, rather than the models */
  tab?: 'trainings' | 'retraining' | 'trail';
  exchange?: string;
  ticker?: string;
  panel?: string;
  type?: string;
  tag?: string;
  sort?: string;
  /** retrainings: those that ended, or all, rather than those under way; of one model; policies that do this */
  cycles?: 'ended' | 'all';
  of?: string;
  mode?: 'automatic' | 'propose' | 'off';
}

export function readModelsSearch(search: Record<string, unknown>): ModelsSearch {
  return {
    tab: oneOf(search.tab, ['trainings', 'retraining', 'trail'] as const),
    exchange: textOf(search.exchange),
    ticker: textOf(search.ticker),
    panel: textOf(search.panel),
    type: textOf(search.type),
    tag: textOf(search.tag),
    sort: textOf(search.sort),
    cycles: oneOf(search.cycles, ['ended', 'all'] as const),
    of: uuidOf(search.of),
    mode: oneOf(search.mode, ['automatic', 'propose', 'off'] as const),
  };
}

/** What a new model begins with. */
export interface NewModelSearch {
  exchange?: string;
  ticker?: string;
  /** a model whose definition is copied */
  from?: string;
}

export function readNewModelSearch(search: Record<string, unknown>): NewModelSearch {
  return { exchange: textOf(search.exchange), ticker: textOf(search.ticker), from: uuidOf(search.from) };
}

export const MODEL_TABS = [
  'evidence',
  'backtest',
  'versions',
  'card',
  'retraining',
  'trail',
  'definition',
] as const;
export type ModelTab = (typeof MODEL_TABS)[number];

/** What a model's page keeps in its address. */
export interface ModelSearch {
  tab?: ModelTab;
  /** the version that is shown; the one that serves, else the newest */
  version?: number;
  /** the training that is followed */
  train?: string;
  /** sessions ahead, of curves and the backtest */
  horizon?: number;
  /** of the backtest: basis points per side, mode, ticker of a panel */
  cost?: number;
  mode?: 'long_short';
  ticker?: string;
  /** versions ticked to be compared */
  a?: number;
  b?: number;
  /** the ended retraining whose trail is shown */
  cycle?: string;
}

export function readModelSearch(search: Record<string, unknown>): ModelSearch {
  const tab = oneOf(search.tab, MODEL_TABS);
  return {
    tab: tab === 'evidence' ? undefined : tab,
    version: whole(search.version, 1, MOST_VERSIONS),
    train: uuidOf(search.train),
    horizon: whole(search.horizon, 1, 60),
    cost: whole(search.cost, 0, 100),
    mode: oneOf(search.mode, ['long_short'] as const),
    ticker: textOf(search.ticker),
    a: whole(search.a, 1, MOST_VERSIONS),
    b: whole(search.b, 1, MOST_VERSIONS),
    cycle: uuidOf(search.cycle),
  };
}

/** Two versions of one registered name. */
export interface CompareSearch {
  a?: number;
  b?: number;
}

export function readCompareSearch(search: Record<string, unknown>): CompareSearch {
  return { a: whole(search.a, 1, MOST_VERSIONS), b: whole(search.b, 1, MOST_VERSIONS) };
}

/** What the page of predictions keeps in its address. */
export interface PredictSearch {
  exchange?: string;
  ticker?: string;
  /** days ahead rather than one prediction */
  mode?: 'path';
  /** the path that is shown */
  task?: string;
  /** filters of the list below */
  origin?: 'api' | 'job' | 'replay';
  settled?: true;
  sort?: string;
}

export function readPredictSearch(search: Record<string, unknown>): PredictSearch {
  return {
    exchange: textOf(search.exchange),
    ticker: textOf(search.ticker),
    mode: oneOf(search.mode, ['path'] as const),
    task: uuidOf(search.task),
    origin: oneOf(search.origin, ['api', 'job', 'replay'] as const),
    settled: search.settled === true ? true : undefined,
    sort: textOf(search.sort),
  };
}
