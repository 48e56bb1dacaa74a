import { useEffect, useEffectEvent, useSyncExternalStore } from 'react';
import type { LiveBatch, LiveChannel } from './LiveChannel';
import type { LiveState } from './LiveSocket';

/** Listens to a channel while the component is on the page. */
export function useLive<T>(channel: LiveChannel<T>, listener: (batch: LiveBatch<T>) => void): void {
  const onBatch = useEffectEvent(listener);
  useEffect(
    () =>
      channel.subscribe((batch) => {
        onBatch(batch);
      }),
    [channel],
  );
}

export function useLiveState<T>(channel: LiveChannel<T>): LiveState {
  return useSyncExternalStore(channel.onState, channel.state);
}
