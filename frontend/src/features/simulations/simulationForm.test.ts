import { expect, it } from 'vitest';
import { simulation } from '@/testing/simulationFactories';
import { EXAMPLE, formLike, requestOf } from './simulationForm';

it('asks for retraining by sessions, by a policy, or never, and for one of them only', () => {
  const asked = (retrainBy: 'sessions' | 'policy' | 'never') => {
    const { retrain_every, policy } = requestOf({ ...EXAMPLE, retrainBy });
    return [retrain_every, policy?.cooldown_sessions ?? null];
  };
  expect(asked('sessions')).toEqual([21, null]);
  expect(asked('policy')).toEqual([null, 10]);
  expect(asked('never')).toEqual([null, null]);
});

it('asks for the same again as an earlier simulation', () => {
  const earlier = simulation({ name: 'crisis' });
  const { exchange, ...request } = earlier.request;
  expect(requestOf(formLike(earlier))).toEqual({
    ...request,
    exchange,
    name: 'crisis',
    retrain_every: null,
  });
});
