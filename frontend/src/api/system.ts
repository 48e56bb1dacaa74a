import { queryOptions } from '@tanstack/react-query';
import { api, unwrap } from './client';
import type { components } from './schema';

/** One market time: `live` is the wall clock, `replay` stands in the past and moves session by session. */
export type Timeline = components['schemas']['Timeline'];

/** While history is replayed its clock is read so often (ms); otherwise seldom. */
const REPLAY_INTERVAL = 5_000;
const LIVE_INTERVAL = 60_000;

export const systemKeys = {
  all: ['system'] as const,
  clock: () => [...systemKeys.all, 'clock'] as const,
};

export function isReplaying(timelines: readonly Timeline[] | undefined): boolean {
  return timelines?.some((timeline) => timeline.state === 'replaying') ?? false;
}

export function clockQuery() {
  return queryOptions({
    queryKey: systemKeys.clock(),
    queryFn: async ({ signal }) => (await unwrap(api.GET('/api/system/clock', { signal }))).timelines,
    refetchInterval: (query) => (isReplaying(query.state.data) ? REPLAY_INTERVAL : LIVE_INTERVAL),
  });
}
