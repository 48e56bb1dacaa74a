import { expect, it } from 'vitest';
import { rejectedRetraining, retraining, retrainingStep } from '@/testing/retrainingFactories';
import { canCancel, ENDED_STATES, failedChecks, OPEN_STATES, stageMarks, watchLength } from './cycle';

function marks(change: Parameters<typeof retraining>[0]): string {
  return Object.values(stageMarks(retraining(change)))
    .map((mark) => mark[0])
    .join('');
}

it('marks what is behind, what is at work and what is ahead', () => {
  expect(marks({ state: 'proposed' })).toBe('naaaaa');
  expect(marks({ state: 'shadow' })).toBe('ddnaaa');
  expect(marks({ state: 'reverting' })).toBe('ddddna');
  expect(marks({ state: 'confirmed' })).toBe('dddddd');
});

it('marks of an early end the stage at which it came', () => {
  const ended = (from_state: 'shadow' | 'reverting' | 'proposed') => [retrainingStep({ from_state })];
  expect(marks({ state: 'rejected', steps: ended('shadow') })).toBe('ddsaaa');
  expect(marks({ state: 'rolled_back', steps: ended('reverting') })).toBe('ddddsa');
  expect(marks({ state: 'cancelled', steps: ended('proposed') })).toBe('saaaaa');
});

it('lets nobody cancel what has ended, or is about to change what serves', () => {
  expect(OPEN_STATES.filter((state) => !canCancel(state))).toEqual(['judged', 'reverting']);
  expect(ENDED_STATES.some(canCancel)).toBe(false);
});

it('counts sessions against the shadow first and the probation later', () => {
  const policy = { ...retraining().policy, shadow_sessions: 10, probation_sessions: 15 };
  expect(watchLength({ state: 'shadow', policy })).toBe(10);
  expect(watchLength({ state: 'probation', policy })).toBe(15);
  expect(watchLength({ state: 'training', policy })).toBeNull();
});

it('finds the checks that spoke against it', () => {
  expect(failedChecks(rejectedRetraining().steps).map((check) => check.name)).toEqual(['outcomes_agree']);
  expect(failedChecks([retrainingStep()])).toEqual([]);
});
