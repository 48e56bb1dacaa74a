import { useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef } from 'react';
import { applyClose, refreshDatasets } from '@/api/datasets';
import type { PredictionEvent } from '@/api/events';
import { live, logs } from '@/api/live';
import { applyPredictions, predictionKeys, refreshHistories } from '@/api/predictions';
import { clockQuery, systemKeys, type Timeline } from '@/api/system';
import type { LiveBatch } from '@/shared/live/LiveChannel';
import { useLive } from '@/shared/live/hooks';
import { throttle } from '@/shared/throttle';

/** Data that follows a session is read again at most so often (ms), however fast sessions are released. */
const REFRESH_INTERVAL = 2_000;

function refreshMarket(client: QueryClient): void {
  void client.invalidateQueries({ queryKey: systemKeys.clock() });
  void refreshDatasets(client);
  void refreshHistories(client);
}

/** A text that changes when any timeline moves on by a session. */
function sessionsOf(timelines: readonly Timeline[] | undefined): string {
  return (timelines ?? []).map(({ timeline, session }) => `${timeline}=${session ?? ''}`).join(' ');
}

/**
 * Carries what comes over the WebSockets into the caches that the pages read, and reads again what a released session
 * changes. On the page once, above all routes.
 */
export function LiveBridge() {
  const client = useQueryClient();
  const refresh = useMemo(
    () =>
      throttle(() => {
        refreshMarket(client);
      }, REFRESH_INTERVAL),
    [client],
  );
  useEffect(() => refresh.cancel, [refresh]);

  const newest = useRef('');
  useLive(live.predictions, (batch: LiveBatch<PredictionEvent>) => {
    logs.predictions.add(batch.events);
    applyPredictions(client, batch.events);
    for (const event of batch.events)
      applyClose(client, event, { session: event.as_of, close: event.last_close });
    // Some were missed for good: only the server knows them.
    if (batch.kind === 'gap') void client.invalidateQueries({ queryKey: predictionKeys.all });
    const session = batch.events.reduce((last, event) => (event.as_of > last ? event.as_of : last), '');
    if (session > newest.current) {
      newest.current = session;
      refresh.call();
    }
  });
  useLive(live.alerts, (batch) => {
    logs.alerts.add(batch.events);
  });

  // A session may be released without any prediction; the clock tells of it then.
  const clock = useQuery(clockQuery());
  const sessions = sessionsOf(clock.data);
  const known = useRef(sessions);
  useEffect(() => {
    if (known.current && sessions !== known.current) refresh.call();
    known.current = sessions;
  }, [sessions, refresh]);
  return null;
}
