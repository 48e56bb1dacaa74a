import { expect, it } from 'vitest';
import { accuracy, prediction } from '@/testing/factories';
import { listedModel } from '@/testing/modelFactories';
import { skillVerdict } from './skill';

function validated(beats: number[], version = 3) {
  const model = listedModel({ registered_name: 'stock-US-AAPL' });
  return [{ ...model, newest: model.newest && { ...model.newest, version, beats_random_walk: beats } }];
}

it('believes the test on history, as long as the forecasts since do not speak against it', () => {
  expect(skillVerdict(prediction(), [], validated([1, 2]))?.kind).toBe('better');
  expect(skillVerdict(prediction(), [], validated([2]))?.kind).toBe('noBetter');
  expect(skillVerdict(prediction(), [accuracy({ n: 40, skill: -0.1 })], validated([1]))?.kind).toBe(
    'noBetter',
  );
  expect(skillVerdict(prediction(), [accuracy({ n: 5, skill: -0.1 })], validated([1]))?.kind).toBe('better');
});

it('goes by the forecasts since where the test of this version is not known', () => {
  const other = validated([1], 9);
  expect(skillVerdict(prediction(), [accuracy({ skill: 0.01 })], other)?.kind).toBe('ahead');
  expect(skillVerdict(prediction(), [accuracy({ skill: 0 })], other)?.kind).toBe('noBetter');
  expect(skillVerdict(prediction(), [accuracy({ n: 19, skill: 0.5 })], other)?.kind).toBe('early');
  expect(skillVerdict(prediction(), [accuracy({ skill: null })], other)?.kind).toBe('early');
});

it('says nothing of a model of which nothing is known, nor of the random walk', () => {
  expect(skillVerdict(prediction(), [], [])).toBeNull();
  expect(skillVerdict(prediction({ model_version: '4' }), [accuracy({ model_version: '3' })], [])).toBeNull();
  expect(skillVerdict(prediction({ fallback: true }), [accuracy()], validated([1]))).toBeNull();
});
