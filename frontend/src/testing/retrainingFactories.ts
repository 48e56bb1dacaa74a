import type { Retraining, RetrainingEvidence, RetrainingPolicy, RetrainingStep } from '@/api/retraining';
import { MODEL_ID } from './modelFactories';

let count = 0;

export function retrainingPolicy(change: Partial<RetrainingPolicy> = {}): RetrainingPolicy {
  return {
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
    ...change,
  };
}

export function retrainingStep(change: Partial<RetrainingStep> = {}): RetrainingStep {
  return {
    revision: 0,
    at: '2026-11-21T10:00:00Z',
    session: '2012-09-14',
    event: 'began',
    from_state: null,
    to_state: 'triggered',
    actor: 'retraining',
    detail: 'age 70 (threshold 63)',
    checks: [],
    ...change,
  };
}

export function retraining(change: Partial<Retraining> = {}): Retraining {
  count += 1;
  return {
    id: `33333333-3333-4333-8333-${String(count).padStart(12, '0')}`,
    model_id: MODEL_ID,
    registered_name: 'stock-US-AAPL',
    state: 'triggered',
    reasons: [{ trigger: 'age', mode: 'automatic', value: 70, threshold: 63 }],
    policy: retrainingPolicy(),
    champion: 1,
    challenger: null,
    job_id: null,
    session: '2012-09-14',
    since: null,
    created_at: '2026-11-21T10:00:00Z',
    updated_at: '2026-11-21T10:00:00Z',
    ended_at: null,
    steps: [retrainingStep()],
    ...change,
  };
}

/** One that was rejected because of a check. */
export function rejectedRetraining(change: Partial<Retraining> = {}): Retraining {
  const check = { name: 'outcomes_agree', expected: 'the same', got: '3 differ', numbers: {}, alarm: true };
  return retraining({
    state: 'rejected',
    challenger: 2,
    ended_at: '2026-11-21T11:00:00Z',
    steps: [
      retrainingStep(),
      retrainingStep({
        revision: 1,
        event: 'refused',
        from_state: 'training',
        to_state: 'rejected',
        detail: 'outcomes_agree: expected the same, got 3 differ',
        checks: [
          { ...check, passed: false },
          { ...check, name: 'calibrated', got: '90 %', passed: true, alarm: false },
        ],
      }),
    ],
    ...change,
  });
}

export function retrainingEvidence(change: Partial<RetrainingEvidence> = {}): RetrainingEvidence {
  return {
    serving: 1,
    counts: true,
    session: '2012-09-14',
    age: 42,
    new_sessions: 42,
    error: 1.8,
    coverage: -0.05,
    drift: null,
    watched_sessions: null,
    ...change,
  };
}
