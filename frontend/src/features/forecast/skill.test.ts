import { expect, it } from 'vitest';
import { accuracy, prediction } from '@/testing/factories';
import { skillVerdict } from './skill';

it('tells a model ahead of the random walk from one that is not', () => {
  expect(skillVerdict(prediction(), [accuracy({ skill: 0.01 })])?.kind).toBe('ahead');
  expect(skillVerdict(prediction(), [accuracy({ skill: 0 })])?.kind).toBe('noBetter');
});

it('does not judge by a few sessions, nor where no price moved', () => {
  expect(skillVerdict(prediction(), [accuracy({ n: 19, skill: 0.5 })])?.kind).toBe('early');
  expect(skillVerdict(prediction(), [accuracy({ skill: null })])?.kind).toBe('early');
});

it('judges the very version that made the forecast, and no random walk', () => {
  expect(skillVerdict(prediction({ model_version: '4' }), [accuracy({ model_version: '3' })])).toBeNull();
  expect(skillVerdict(prediction({ fallback: true }), [accuracy()])).toBeNull();
});
