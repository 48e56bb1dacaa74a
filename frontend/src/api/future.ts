import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { Instrument } from '@/shared/instrument';
import { api, unwrap } from './client';
import { eventStream } from './eventStream';
import { requested } from './exchange';
import { isFinished, JOB_INTERVAL } from './jobs';
import type { components } from './schema';

/** How far a path is, with its days so far. */
export type FuturePath = components['schemas']['FuturePartialStatus'];

export const futureKeys = {
  all: ['future'] as const,
  path: (taskId: string) => [...futureKeys.all, 'path', taskId] as const,
  status: (taskId: string) => [...futureKeys.all, 'status', taskId] as const,
};

/** The days predicted so far; asked again until the job is finished. */
export function futurePathQuery(taskId: string) {
  return queryOptions({
    queryKey: futureKeys.path(taskId),
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api/predict/future/partial_status/{task_id}', {
          params: { path: { task_id: taskId } },
          signal,
        }),
      ),
    refetchInterval: (query) => (isFinished(query.state.data?.state) ? false : JOB_INTERVAL),
  });
}

/** A path as its events tell of it; each brings the days after those that were told before. */
async function* followed(taskId: string, signal: AbortSignal): AsyncGenerator<FuturePath> {
  let days: FuturePath['predictions'] = [];
  for await (const { data } of eventStream(`/api/predict/future/stream/${taskId}`, signal)) {
    const event = JSON.parse(data) as FuturePath;
    // A worker that took over may begin anew.
    days = [...days.slice(0, event.days_done - event.predictions.length), ...event.predictions];
    yield { ...event, predictions: days };
  }
}

/**
 * Follows a path by the API's events, into the cache that all who show it read. Where they do not come, or break off
 * before its end, it is asked for again and again.
 */
export function useFollowedPath(taskId: string | undefined) {
  const client = useQueryClient();
  const [broken, setBroken] = useState<string>();
  useEffect(() => {
    if (taskId === undefined) return;
    const stop = new AbortController();
    const follow = async () => {
      let finished = false;
      try {
        for await (const path of followed(taskId, stop.signal)) {
          client.setQueryData(futureKeys.path(taskId), path);
          finished = isFinished(path.state);
        }
      } catch {
        // Whatever it was, the question that is asked instead will say it.
      }
      if (!finished && !stop.signal.aborted) setBroken(taskId);
    };
    void follow();
    return () => {
      stop.abort();
    };
  }, [client, taskId]);
  return useQuery({ ...futurePathQuery(taskId ?? ''), enabled: taskId !== undefined && broken === taskId });
}

/** A path that somebody on the page follows already. */
export function useKnownPath(taskId: string | undefined) {
  return useQuery({ ...futurePathQuery(taskId ?? ''), enabled: false });
}

/** The job itself: why it failed. */
export function futureStatusQuery(taskId: string) {
  return queryOptions({
    queryKey: futureKeys.status(taskId),
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api/predict/future/status/{task_id}', { params: { path: { task_id: taskId } }, signal }),
      ),
  });
}

/** Starts a forecast of the next `days` sessions; the answer carries the task's id. */
export function useFuturePath(instrument: Instrument) {
  return useMutation({
    mutationFn: (days: number) =>
      unwrap(api.POST('/api/predict/future/', { body: { ...requested(instrument), days } })),
  });
}

/** Stops a path; the days that were predicted already stay. */
export function useCancelFuture() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (taskId: string) =>
      unwrap(api.DELETE('/api/predict/future/{task_id}', { params: { path: { task_id: taskId } } })),
    onSettled: () => client.invalidateQueries({ queryKey: futureKeys.all }),
  });
}
