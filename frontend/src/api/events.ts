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

/** An alert changed, and how it stands now (`/ws/alerts`). Mirrors `stock_kit.events.AlertEvent`. */
export interface AlertEvent {
  type: 'alert';
  /** Of this change. */
  event_id: string;
  /** Of the alert, through all its changes; only its highest revision counts. */
  alert_id: string;
  revision: number;
  change: 'raised' | 'escalated' | 'resolved' | 'reopened' | 'acknowledged';
  state: 'firing' | 'resolved';
  changed_at: string;
  fingerprint: string;
  severity: 'info' | 'warning' | 'critical';
  detector: string;
  /** What was looked at: EXCHANGE:TICKER, or a service's name. */
  subject: string;
  title: string;
  detail: string;
  raised_at: string;
  resolved_at: string | null;
  /** How often the condition was seen. */
  count: number;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  comment: string | null;
  exchange: string | null;
  ticker: string | null;
  service: string | null;
  value: number | null;
  threshold: number | null;
}
