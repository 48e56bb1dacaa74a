import type { components } from './schema';

/** One forecast of one instrument, as `POST /api/predict/` answers it and as `/ws/predictions` carries it. */
export type Prediction = components['schemas']['Prediction'];

/** A prediction as an event: what happened afterwards is not known yet. */
export type PredictionEvent = Omit<Prediction, 'actual_close' | 'error_pct'>;

/** One scrape of one service's `/metrics` (`/ws/metrics`). Mirrors `stock_kit.events.MetricsEvent`. */
export interface MetricsEvent {
  type: 'metrics';
  service: string;
  instance: string;
  scraped_at: string;
  up: boolean;
  duration_seconds: number;
  error: string | null;
  /** Keys like `http_requests_total{route="/x"}`. */
  samples: Record<string, number>;
}

/** Something that people should look at (`/ws/alerts`). Mirrors `stock_kit.events.AlertEvent`. */
export interface AlertEvent {
  type: 'alert';
  alert_id: string;
  fingerprint: string;
  severity: 'info' | 'warning' | 'critical';
  detector: string;
  title: string;
  detail: string;
  raised_at: string;
  exchange: string | null;
  ticker: string | null;
  service: string | null;
  value: number | null;
  threshold: number | null;
}
