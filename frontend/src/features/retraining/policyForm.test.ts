import { expect, it } from 'vitest';
import { retrainingEvidence, retrainingPolicy } from '@/testing/retrainingFactories';
import { currentValue, formOf, policyOf, samePolicy } from './policyForm';

it('shows the coverage in percentage points and sends it as a share, without a rest', () => {
  for (const threshold of [0.15, 0.07, 0.29, 0.001]) {
    const policy = retrainingPolicy({ coverage: { mode: 'automatic', threshold } });
    expect(policyOf(formOf(policy))).toEqual(policy);
  }
  expect(formOf(retrainingPolicy()).coverage.threshold).toBe(15);
});

it('sends what is no number as it was typed', () => {
  const form = formOf(retrainingPolicy());
  expect(policyOf({ ...form, coverage: { mode: 'off', threshold: '' } }).coverage.threshold).toBe('');
});

it('knows when nothing was changed', () => {
  const form = formOf(retrainingPolicy());
  expect(samePolicy(form, formOf(retrainingPolicy()))).toBe(true);
  expect(samePolicy(form, { ...form, age: { mode: 'propose', threshold: 63 } })).toBe(false);
  expect(samePolicy(form, { ...form, cooldown_sessions: 11 })).toBe(false);
  expect(samePolicy(form, { ...form, challenger: 'search' })).toBe(false);
  expect(samePolicy(form, { ...form, search_trials: 11 })).toBe(false);
});

it('takes intervals that are too wide for as wrong as those that are too narrow', () => {
  expect(currentValue('coverage', retrainingEvidence({ coverage: -0.05 }))).toBe(5);
  expect(currentValue('coverage', retrainingEvidence({ coverage: 0.05 }))).toBe(5);
  expect(currentValue('error', retrainingEvidence())).toBe(1.8);
  expect(currentValue('drift', retrainingEvidence())).toBeNull();
});
