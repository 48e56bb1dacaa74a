import type { ModelTypeOption } from '@/api/modelOptions';
import type { ModelRequest } from '@/api/models';
import { paramFields, type ParamValues } from './paramFields';

export type Scheme = 'expanding' | 'rolling' | 'purged_kfold';
export type Task = 'regression' | 'direction';

/** What the form holds; an input for numbers may be empty, which its text then is. */
export interface ModelForm {
  kind: 'stock' | 'panel';
  exchange: string;
  ticker: string;
  panel: string;
  tickers: readonly string[];
  modelType: string;
  task: Task | null;
  horizon: number | string;
  /** false: the default set, whatever is chosen */
  ownFeatures: boolean;
  /** names of features */
  features: readonly string[];
  start: string;
  end: string;
  seed: number | string;
  scheme: Scheme;
  folds: number | string;
  embargo: number | string;
  /** those that are not as the model type has them by itself */
  params: ParamValues;
  search: boolean;
  trials: number | string;
  minutes: number | string;
}

export const INITIAL: ModelForm = {
  kind: 'stock',
  exchange: 'US',
  ticker: '',
  panel: '',
  tickers: [],
  modelType: 'ridge',
  task: null,
  horizon: 5,
  ownFeatures: false,
  features: [],
  start: '',
  end: '',
  seed: 7,
  scheme: 'expanding',
  folds: 5,
  embargo: 5,
  params: {},
  search: false,
  trials: 20,
  minutes: 10,
};

/** An empty input asks for what the API takes by itself; the API refuses any other text in the field's name. */
function numberOrNone(value: number | string): number | undefined {
  return value === '' ? undefined : (value as number);
}

/** The definition as the API takes it. */
export function toRequest(form: ModelForm): ModelRequest {
  const subject =
    form.kind === 'stock' ? { ticker: form.ticker } : { panel: form.panel, tickers: [...form.tickers] };
  const request = {
    exchange: form.exchange as ModelRequest['exchange'],
    ...subject,
    model_type: form.modelType as ModelRequest['model_type'],
    task: form.task,
    horizon: numberOrNone(form.horizon),
    features: form.ownFeatures ? [...form.features] : null,
    start: form.start || null,
    end: form.end || null,
    seed: numberOrNone(form.seed),
    validation: {
      scheme: form.scheme,
      folds: numberOrNone(form.folds),
      embargo: numberOrNone(form.embargo),
    },
    params: { ...form.params } as ModelRequest['params'],
    search: form.search
      ? { trials: numberOrNone(form.trials), timeout: Math.round(Number(form.minutes) * 60) }
      : null,
  };
  return request;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function numberOf(value: unknown, otherwise: number | string): number | string {
  return typeof value === 'number' ? value : otherwise;
}

/** The form that gives a definition like the one of another model. */
export function fromSpec(spec: Readonly<Record<string, unknown>>): ModelForm {
  const validation = recordOf(spec.validation);
  const search = spec.search == null ? null : recordOf(spec.search);
  return {
    kind: spec.panel == null ? 'stock' : 'panel',
    exchange: textOf(spec.exchange) || INITIAL.exchange,
    ticker: textOf(spec.ticker),
    panel: textOf(spec.panel),
    tickers: listOf(spec.tickers),
    modelType: textOf(spec.model_type) || INITIAL.modelType,
    task: spec.task === 'direction' || spec.task === 'regression' ? spec.task : null,
    horizon: numberOf(spec.horizon, INITIAL.horizon),
    ownFeatures: listOf(spec.features).length > 0,
    features: listOf(spec.features),
    start: textOf(spec.start),
    end: textOf(spec.end),
    seed: numberOf(spec.seed, INITIAL.seed),
    scheme: (textOf(validation.scheme) || INITIAL.scheme) as Scheme,
    folds: numberOf(validation.folds, INITIAL.folds),
    embargo: numberOf(validation.embargo, INITIAL.embargo),
    params: recordOf(spec.params) as ParamValues,
    search: search !== null,
    trials: numberOf(search?.trials, INITIAL.trials),
    minutes: search ? Number(search.timeout) / 60 : INITIAL.minutes,
  };
}

/** Another model type: its own parameters, a task that it does, and no search where there is nothing to search. */
export function withModelType(form: ModelForm, option: ModelTypeOption): ModelForm {
  const names = new Set(paramFields(option.params).map((field) => field.name));
  const kept = Object.entries(form.params).filter(([name]) => names.has(name));
  return {
    ...form,
    modelType: option.name,
    task: form.task && option.tasks.includes(form.task) ? form.task : null,
    params: option.name === form.modelType ? Object.fromEntries(kept) : {},
    search: form.search && Object.keys(option.search_space).length > 0,
  };
}
