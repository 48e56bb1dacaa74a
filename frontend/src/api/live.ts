import { EventLog } from '@/shared/live/EventLog';
import { LiveChannel } from '@/shared/live/LiveChannel';
import { socketTicket } from './access';
import type { AlertEvent, MetricsEvent, PredictionEvent } from './events';

/** The WebSockets of the page, one per channel however many components listen. */
export const live = {
  predictions: new LiveChannel<PredictionEvent>('/ws/predictions', socketTicket),
  metrics: new LiveChannel<MetricsEvent>('/ws/metrics', socketTicket),
  alerts: new LiveChannel<AlertEvent>('/ws/alerts', socketTicket),
};

/** What came over them lately. Alerts are the API's to keep: they are read again when one changes. */
export const logs = {
  predictions: new EventLog<PredictionEvent>((event) => event.prediction_id, 100),
};
