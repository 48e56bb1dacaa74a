import type { Dataset, PriceBar } from '@/api/datasets';
import type { AlertEvent, MetricsEvent } from '@/api/events';
import type { Prediction } from '@/api/predictions';
import type { TrainStatus } from '@/api/training';

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
    alert_id: 'a1',
    fingerprint: 'f1',
    severity: 'warning',
    detector: 'outlier',
    title: 'Forecast far out',
    detail: 'US:AAPL moved 8 standard deviations.',
    raised_at: '2026-11-21T10:00:00Z',
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
