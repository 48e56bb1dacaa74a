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

/** What came over them lately. */
export const logs = {
  predictions: new EventLog<PredictionEvent>((event) => event.prediction_id, 100),
  alerts: new EventLog<AlertEvent>(
    (event) => event.alert_id,
    100,
    (event, known) => event.revision > known.revision,
  ),
};
