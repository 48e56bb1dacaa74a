import type { Retraining, RetrainingState, RetrainingStep } from '@/api/retraining';

export const OPEN_STATES = [
  'proposed',
  'triggered',
  'training',
  'shadow',
  'judged',
  'probation',
  'reverting',
] as const satisfies readonly RetrainingState[];
export const ENDED_STATES = [
  'confirmed',
  'rejected',
  'rolled_back',
  'failed',
  'cancelled',
] as const satisfies readonly RetrainingState[];

export const STATE_COLORS: Record<RetrainingState, string> = {
  proposed: 'yellow',
  triggered: 'indigo',
  training: 'indigo',
  shadow: 'indigo',
  judged: 'indigo',
  probation: 'indigo',
  reverting: 'red',
  confirmed: 'teal',
  rejected: 'yellow',
  rolled_back: 'red',
  failed: 'red',
  cancelled: 'gray',
};

/** What every retraining goes through, in this order. */
export const STAGES = ['trigger', 'training', 'shadow', 'gate', 'probation', 'confirmed'] as const;
export type Stage = (typeof STAGES)[number];

const STAGE_OF: Partial<Record<RetrainingState, Stage>> = {
  proposed: 'trigger',
  triggered: 'trigger',
  training: 'training',
  shadow: 'shadow',
  judged: 'gate',
  probation: 'probation',
  reverting: 'probation',
  confirmed: 'confirmed',
};

/** `done`: left behind; `now`: at work; `stopped`: where it ended early; `ahead`: not reached (yet). */
export type StageMark = 'done' | 'now' | 'stopped' | 'ahead';

/** How far a retraining has come, stage by stage. */
export function stageMarks({ state, steps }: Pick<Retraining, 'state' | 'steps'>): Record<Stage, StageMark> {
  const reached = STAGES.indexOf(stageOf(state, steps));
  const here: StageMark =
    state === 'confirmed' ? 'done' : ENDED_STATES.some((ended) => ended === state) ? 'stopped' : 'now';
  const marks = STAGES.map((stage, index): [Stage, StageMark] => [
    stage,
    index < reached ? 'done' : index > reached ? 'ahead' : here,
  ]);
  return Object.fromEntries(marks) as Record<Stage, StageMark>;
}

/** The stage of a state; of an early end, the stage at which it came. */
export function stageOf(state: RetrainingState, steps: readonly RetrainingStep[]): Stage {
  const before = steps.at(-1)?.from_state;
  return STAGE_OF[state] ?? (before ? STAGE_OF[before] : undefined) ?? 'trigger';
}

/** Not while what serves is about to change. */
export function canCancel(state: RetrainingState): boolean {
  return ['proposed', 'triggered', 'training', 'shadow', 'probation'].includes(state);
}

/** How many sessions the shadow or the probation takes; null: neither is under way. */
export function watchLength({ state, policy }: Pick<Retraining, 'state' | 'policy'>): number | null {
  if (state === 'shadow') return policy.shadow_sessions;
  return state === 'probation' ? policy.probation_sessions : null;
}

/** The checks that spoke against it: why it was rejected, or rolled back. */
export function failedChecks(steps: readonly RetrainingStep[]) {
  const decided = steps.findLast((step) => step.checks.some((check) => !check.passed));
  return decided?.checks.filter((check) => !check.passed) ?? [];
}
