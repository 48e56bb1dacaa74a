import type { RetrainingEvidence, RetrainingPolicy, TriggerMode } from '@/api/retraining';

export const TRIGGERS = ['age', 'new_sessions', 'error', 'coverage', 'drift'] as const;
export type TriggerName = (typeof TRIGGERS)[number];
export const MODES = ['off', 'propose', 'automatic'] as const satisfies readonly TriggerMode[];
export const TRIAL_FIELDS = [
  'shadow_sessions',
  'probation_sessions',
  'probation_error',
  'cooldown_sessions',
] as const;
export type TrialField = (typeof TRIAL_FIELDS)[number];
export const CHALLENGERS = ['same', 'search'] as const satisfies readonly RetrainingPolicy['challenger'][];
export const POLICY_FIELDS = [...TRIGGERS, 'challenger', 'search_trials', ...TRIAL_FIELDS] as const;
export type PolicyField = (typeof POLICY_FIELDS)[number];

/** A policy as it is typed: a number may be half written. */
export type PolicyForm = Record<TriggerName, { mode: TriggerMode; threshold: number | string }> &
  Record<TrialField | 'search_trials', number | string> &
  Pick<RetrainingPolicy, 'challenger'>;

/** What the API takes for what is left out: every trigger off. */
export const DEFAULT_POLICY: RetrainingPolicy = {
  age: { mode: 'off', threshold: 63 },
  new_sessions: { mode: 'off', threshold: 21 },
  error: { mode: 'off', threshold: 1.5 },
  coverage: { mode: 'off', threshold: 0.15 },
  drift: { mode: 'off', threshold: 4 },
  challenger: 'same',
  search_trials: 10,
  shadow_sessions: 20,
  probation_sessions: 20,
  probation_error: 2,
  cooldown_sessions: 10,
};

/** People read a share as percentage points. */
const POINTS = 100;
const PLACES = 1e9;

export function isWhole(field: PolicyField): boolean {
  return !['error', 'coverage', 'probation_error'].includes(field);
}

export function shownThreshold(trigger: TriggerName, value: number): number {
  return trigger === 'coverage' ? Math.round(value * POINTS * PLACES) / PLACES : value;
}

function sentThreshold(trigger: TriggerName, typed: number | string): number {
  // What is no number is sent as it was typed: the API says what is wrong with it.
  if (typeof typed !== 'number' || trigger !== 'coverage') return typed as number;
  return Math.round((typed / POINTS) * PLACES) / PLACES;
}

export function formOf(policy: RetrainingPolicy): PolicyForm {
  const form = { ...policy } as PolicyForm;
  for (const trigger of TRIGGERS) {
    const { mode, threshold } = policy[trigger];
    form[trigger] = { mode, threshold: shownThreshold(trigger, threshold) };
  }
  return form;
}

export function policyOf(form: PolicyForm): RetrainingPolicy {
  const policy = { ...form } as RetrainingPolicy;
  for (const trigger of TRIGGERS) {
    const { mode, threshold } = form[trigger];
    policy[trigger] = { mode, threshold: sentThreshold(trigger, threshold) };
  }
  return policy;
}

/** Whether two forms say the same. */
export function samePolicy(a: PolicyForm, b: PolicyForm): boolean {
  return (
    TRIGGERS.every(
      (trigger) => a[trigger].mode === b[trigger].mode && a[trigger].threshold === b[trigger].threshold,
    ) &&
    a.challenger === b.challenger &&
    a.search_trials === b.search_trials &&
    TRIAL_FIELDS.every((field) => a[field] === b[field])
  );
}

/** What a trigger looks at now, as its threshold is shown; null: not known. */
export function currentValue(trigger: TriggerName, evidence: RetrainingEvidence): number | null {
  const value = evidence[trigger];
  if (value === null) return null;
  // Too wide is as wrong as too narrow.
  return shownThreshold(trigger, trigger === 'coverage' ? Math.abs(value) : value);
}
