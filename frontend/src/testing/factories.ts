import type { Accuracy } from '@/api/accuracy';
import type { Alert } from '@/api/alerts';
import type { Dataset, PriceBar } from '@/api/datasets';
import type { AlertEvent, MetricsEvent } from '@/api/events';
import type { Prediction } from '@/api/predictions';
import type { TrainStatus } from '@/api/training';
import type { ChartColors } from '@/shared/charts/colors';

let count = 0;

export function prediction(change: Partial<Prediction> = {}): Prediction {
  count += 1;
  return {
    type: 'prediction',
    prediction_id: `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`,
    exchange: 'US',
    ticker: 'AAPL',
    made_at: '2026-11-21T10:00:00Z',
    as_of: '2012-09-14',
    target_session: '2012-09-17',
    horizon: 1,
    last_close: 100,
    predicted_return: 0.01,
    predicted_close: 101,
    lower: 98,
    upper: 104,
    level: 0.9,
    probability_up: 0.55,
    model_name: 'stock-US-AAPL',
    model_version: '3',
    model_type: 'ridge',
    run_id: 'run',
    fallback: false,
    feature_version: '1',
    data_version: 'data',
    origin: 'replay',
    job_id: null,
    actual_close: null,
    error_pct: null,
    ...change,
  };
}

export function dataset(change: Partial<Dataset> = {}): Dataset {
  return {
    exchange: 'US',
    ticker: 'AAPL',
    name: 'Apple Inc.',
    source: 'sample',
    timeline: 'replay',
    first_session: '2000-03-01',
    last_session: '2012-09-14',
    rows: 3157,
    last_close: 691.28,
    loaded_at: '2026-11-21T10:00:00Z',
    expected_session: '2012-09-14',
    sessions_behind: 0,
    fresh: true,
    sessions_missing: 0,
    rows_refused: 0,
    ...change,
  };
}

export function bar(session: string, close: number): PriceBar {
  return {
    session,
    open: close,
    high: close + 1,
    low: close - 1,
    close,
    volume: 1000,
    dividend: 0,
    split: 1,
  };
}

export function metrics(change: Partial<MetricsEvent> = {}): MetricsEvent {
  return {
    type: 'metrics',
    service: 'backend2',
    instance: '127.0.0.1:8002',
    scraped_at: '2026-11-21T10:00:00Z',
    up: true,
    duration_seconds: 0.01,
    error: null,
    samples: {},
    ...change,
  };
}

export function alert(change: Partial<AlertEvent> = {}): AlertEvent {
  return {
    type: 'alert',
    event_id: 'e1',
    alert_id: 'a1',
    revision: 1,
    change: 'raised',
    state: 'firing',
    changed_at: '2026-11-21T10:00:00Z',
    fingerprint: 'f1',
    severity: 'warning',
    detector: 'outlier',
    subject: 'US:AAPL',
    title: 'Forecast far out',
    detail: 'US:AAPL moved 8 standard deviations.',
    raised_at: '2026-11-21T10:00:00Z',
    resolved_at: null,
    count: 1,
    acknowledged_at: null,
    acknowledged_by: null,
    comment: null,
    exchange: 'US',
    ticker: 'AAPL',
    service: null,
    value: 8,
    threshold: 5,
    ...change,
  };
}

export function trainStatus(change: Partial<TrainStatus> = {}): TrainStatus {
  return {
    task_id: '11111111-1111-4111-8111-111111111111',
    kind: 'train',
    model_id: '22222222-2222-4222-8222-222222222222',
    state: 'running',
    stage: 'horizon 2 of 5: fold 1 of 5',
    progress: 0.4,
    created_at: '2026-11-21T10:00:00Z',
    started_at: '2026-11-21T10:00:01Z',
    finished_at: null,
    folds: [],
    result: null,
    error: null,
    ...change,
  };
}

export function accuracy(change: Partial<Accuracy> = {}): Accuracy {
  return {
    exchange: 'US',
    ticker: 'AAPL',
    model_name: 'stock-US-AAPL',
    model_version: '3',
    horizon: 1,
    n: 63,
    first_session: '2012-06-15',
    last_session: '2012-09-14',
    rmse: 0.01,
    mae: 0.008,
    bias: 0,
    skill: 0.01,
    hit_rate: 0.5,
    level: 0.9,
    coverage: 0.9,
    width: 0.06,
    ...change,
  };
}

/** Each colour is told by its name. */
export function chartColors(): ChartColors {
  const names = [
    'text',
    'strong',
    'grid',
    'up',
    'down',
    'upSoft',
    'downSoft',
    'forecast',
    'forecastSoft',
    'card',
  ];
  return Object.fromEntries(names.map((name) => [name, name])) as unknown as ChartColors;
}

/** An alert as the API keeps it. */
export function knownAlert(change: Partial<Alert> = {}): Alert {
  count += 1;
  const { type: _type, event_id: _event, change: _change, ...stands } = alert();
  return { ...stands, alert_id: `alert-${count}`, seen_at: '2026-11-21T10:00:00Z', ...change };
}
