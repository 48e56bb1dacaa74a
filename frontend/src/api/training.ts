import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api, unwrap } from './client';
import { isFinished, JOB_INTERVAL } from './jobs';
import type { components } from './schema';

/** A model definition; the same one again trains a new version of the same model. */
export type TrainRequest = components['schemas']['ModelRequest'];
export type TrainTask = components['schemas']['TrainTask'];
export type FoldMetrics = components['schemas']['FoldMetrics'];
export type TrainStatus = components['schemas']['TrainStatus'];

export const MODEL_TYPES = ['ridge', 'hist_gradient_boosting', 'random_forest', 'random_walk'] as const;
export type ModelType = (typeof MODEL_TYPES)[number];

export const trainingKeys = {
  all: ['training'] as const,
  status: (taskId: string) => [...trainingKeys.all, 'status', taskId] as const,
  lists: () => [...trainingKeys.all, 'list'] as const,
};

/** Trainings of the list. */
const TRAININGS = 200;
/** The list is read so often while one of its trainings is under way (ms), otherwise seldom. */
const LIST_INTERVAL = 3_000;
const IDLE_INTERVAL = 30_000;

/** The newest trainings, those under way included. */
export function trainingsQuery() {
  return queryOptions({
    queryKey: trainingKeys.lists(),
    queryFn: async ({ signal }) =>
      (await unwrap(api.GET('/api/train', { params: { query: { limit: TRAININGS } }, signal }))).items,
    refetchInterval: ({ state }) =>
      state.data?.some((task) => !isFinished(task.state)) ? LIST_INTERVAL : IDLE_INTERVAL,
  });
}

/** State and progress of one training; asked again until it is finished. */
export function trainStatusQuery(taskId: string) {
  return queryOptions({
    queryKey: trainingKeys.status(taskId),
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/train/status/{task_id}', { params: { path: { task_id: taskId } }, signal })),
    refetchInterval: (query) => (isFinished(query.state.data?.state) ? false : JOB_INTERVAL),
  });
}

/** Starts a training of a definition; the answer carries the task's id, to be followed with {@link trainStatusQuery}. */
export function useTrain() {
  return useStart((body: TrainRequest) => api.POST('/api/train', { body }));
}

/** Trains a model that is defined already once more, on the data of today. */
export function useRetrain() {
  return useStart((modelId: string) => api.POST('/api/train', { body: { model_id: modelId } }));
}

/** Stops a training; nothing of it is registered. */
export function useCancelTraining() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (taskId: string) =>
      unwrap(api.DELETE('/api/train/{task_id}', { params: { path: { task_id: taskId } } })),
    onSettled: () => client.invalidateQueries({ queryKey: trainingKeys.all }),
  });
}

type Started = ReturnType<typeof api.POST<'/api/train', { body: TrainRequest }>>;

function useStart<T>(start: (what: T) => Started) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (what: T) => unwrap(start(what)),
    onSuccess: () => client.invalidateQueries({ queryKey: trainingKeys.lists() }),
  });
}
