import { queryOptions, useMutation } from '@tanstack/react-query';
import { api, unwrap } from './client';
import { isFinished, JOB_INTERVAL } from './jobs';
import type { components } from './schema';

/** A model definition; the same one again trains a new version of the same model. */
export type TrainRequest = components['schemas']['ModelRequest'];
export type TrainStatus = components['schemas']['TrainStatus'];

export const MODEL_TYPES = ['ridge', 'hist_gradient_boosting', 'random_forest', 'random_walk'] as const;
export type ModelType = (typeof MODEL_TYPES)[number];

export const trainingKeys = {
  all: ['training'] as const,
  status: (taskId: string) => [...trainingKeys.all, 'status', taskId] as const,
};

/** State and progress of one training; asked again until it is finished. */
export function trainStatusQuery(taskId: string) {
  return queryOptions({
    queryKey: trainingKeys.status(taskId),
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/train/status/{task_id}', { params: { path: { task_id: taskId } }, signal })),
    refetchInterval: (query) => (isFinished(query.state.data?.state) ? false : JOB_INTERVAL),
  });
}

/** Starts a training; the answer carries the task's id, to be followed with {@link trainStatusQuery}. */
export function useTrain() {
  return useMutation({
    mutationFn: (body: TrainRequest) => unwrap(api.POST('/api/train', { body })),
  });
}
