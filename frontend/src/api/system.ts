import { queryOptions } from '@tanstack/react-query';
import { api, unwrap } from './client';
import type { components } from './schema';

/** One market time: `live` is the wall clock, `replay` stands in the past and moves session by session. */
export type Timeline = components['schemas']['Timeline'];

/** While history is replayed its clock is read so often (ms); otherwise seldom. */
const REPLAY_INTERVAL = 5_000;
const LIVE_INTERVAL = 60_000;

/** How often services and queues are asked for while somebody looks (ms). */
const HEALTH_INTERVAL = 10_000;

export type ServiceHealth = components['schemas']['ServiceHealth'];
export type QueueState = components['schemas']['QueueState'];

export const systemKeys = {
  all: ['system'] as const,
  clock: () => [...systemKeys.all, 'clock'] as const,
  health: () => [...systemKeys.all, 'health'] as const,
  queues: () => [...systemKeys.all, 'queues'] as const,
  links: () => [...systemKeys.all, 'links'] as const,
  versions: () => [...systemKeys.all, 'versions'] as const,
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

/** Which services the API reaches. */
export function healthQuery() {
  return queryOptions({
    queryKey: systemKeys.health(),
    queryFn: ({ signal }) => unwrap(api.GET('/api/system/health', { signal })),
    refetchInterval: HEALTH_INTERVAL,
  });
}

/** Long jobs that wait and run, and who works on them. */
export function queuesQuery() {
  return queryOptions({
    queryKey: systemKeys.queues(),
    queryFn: async ({ signal }) => (await unwrap(api.GET('/api/system/queues', { signal }))).items,
    refetchInterval: HEALTH_INTERVAL,
  });
}

/** Other user interfaces, and whether they answer; those that the profile lacks are not in it. */
export function linksQuery() {
  return queryOptions({
    queryKey: systemKeys.links(),
    queryFn: ({ signal }) => unwrap(api.GET('/api/system/links', { signal })),
    refetchInterval: HEALTH_INTERVAL,
  });
}

/** What the platform is made of. */
export function versionsQuery() {
  return queryOptions({
    queryKey: systemKeys.versions(),
    queryFn: ({ signal }) => unwrap(api.GET('/api/system/versions', { signal })),
    staleTime: Infinity,
  });
}
