import { useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useEffect, useEffectEvent, useMemo, useRef } from 'react';
import { accuracyKey } from '@/api/accuracy';
import { refreshAlerts } from '@/api/alerts';
import { refreshDatasets } from '@/api/datasets';
import type { AlertEvent, PredictionEvent } from '@/api/events';
import { live, logs } from '@/api/live';
import { applyPredictions, predictionKeys, refreshHistories } from '@/api/predictions';
import { refreshRetrainings } from '@/api/retrainingKeys';
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
  void client.invalidateQueries({ queryKey: accuracyKey });
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
  const alerts = useMemo(
    () =>
      throttle(() => {
        void refreshAlerts(client);
      }, REFRESH_INTERVAL),
    [client],
  );
  useEffect(() => alerts.cancel, [alerts]);
  const retrainings = useMemo(
    () =>
      throttle(() => {
        void refreshRetrainings(client);
      }, REFRESH_INTERVAL),
    [client],
  );
  useEffect(() => retrainings.cancel, [retrainings]);

  const known = useRef<ReadonlySet<string>>(new Set());
  /** Whether any of the sessions was not met before. */
  const meet = (sessions: readonly string[]): boolean => {
    const fresh = sessions.filter((session) => !known.current.has(session));
    known.current = new Set([...known.current, ...fresh]);
    return fresh.length > 0;
  };

  useLive(live.predictions, (batch: LiveBatch<PredictionEvent>) => {
    logs.predictions.add(batch.events);
    applyPredictions(client, batch.events);
    // Some were missed for good: only the server knows them.
    if (batch.kind === 'gap') void client.invalidateQueries({ queryKey: predictionKeys.all });
    const moved = meet(batch.events.map((event) => event.as_of));
    // A snapshot tells of the past, which the page has just read.
    if (moved && batch.kind === 'update') refresh.call();
  });
  useLive(live.alerts, (batch: LiveBatch<AlertEvent>) => {
    // What stood before the page was opened it has read, or will.
    if (batch.kind === 'snapshot') return;
    alerts.call();
    // Each step of a retraining is told as an alert; of those that were missed it is not known.
    if (batch.kind === 'gap' || batch.events.some((event) => event.detector === 'retraining')) {
      retrainings.call();
    }
  });

  // A session may be released without any prediction; the clock tells of it then.
  const clock = useQuery(clockQuery());
  const opened = useRef(false);
  const onClock = useEffectEvent((timelines: readonly Timeline[]) => {
    const moved = meet(timelines.flatMap(({ session }) => session ?? []));
    if (moved && opened.current) refresh.call();
    opened.current = true;
  });
  useEffect(() => {
    if (clock.data) onClock(clock.data);
  }, [clock.data]);
  return null;
}
