import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import type { Instrument } from '@/shared/instrument';
import { api, unwrap } from './client';
import { requested } from './exchange';
import { isFinished, JOB_INTERVAL } from './jobs';

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
