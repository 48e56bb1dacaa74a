import { useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useEffect, useEffectEvent, useMemo, useRef } from 'react';
import { refreshDatasets } from '@/api/datasets';
import type { PredictionEvent } from '@/api/events';
import { live, logs } from '@/api/live';
import { applyPredictions, predictionKeys, refreshHistories } from '@/api/predictions';
import { clockQuery, systemKeys } from '@/api/system';
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

  const known = useRef<ReadonlySet<string> | null>(null);
  /** Reads again when a session is new; what the page opened with is not, it was just read. */
  const meet = (sessions: readonly string[]) => {
    const before = known.current;
    if (sessions.every((session) => before?.has(session))) return;
    known.current = new Set([...(before ?? []), ...sessions]);
    if (before) refresh.call();
  };

  useLive(live.predictions, (batch: LiveBatch<PredictionEvent>) => {
    logs.predictions.add(batch.events);
    applyPredictions(client, batch.events);
    // Some were missed for good: only the server knows them.
    if (batch.kind === 'gap') void client.invalidateQueries({ queryKey: predictionKeys.all });
    meet(batch.events.map((event) => event.as_of));
  });
  useLive(live.alerts, (batch) => {
    logs.alerts.add(batch.events);
  });

  // A session may be released without any prediction; the clock tells of it then.
  const clock = useQuery(clockQuery());
  const onClock = useEffectEvent(meet);
  useEffect(() => {
    if (clock.data) onClock(clock.data.flatMap(({ session }) => session ?? []));
  }, [clock.data]);
  return null;
}
