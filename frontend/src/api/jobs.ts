import type { components } from './schema';

export type JobState = components['schemas']['TrainStatus']['state'];

/** How often a job that is under way is asked for its state (ms). */
export const JOB_INTERVAL = 1_000;

export function isFinished(state: JobState | undefined): boolean {
  return state === 'completed' || state === 'failed' || state === 'cancelled';
}
