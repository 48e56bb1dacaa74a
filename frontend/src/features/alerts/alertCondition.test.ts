import i18next from 'i18next';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { setLanguage } from '@/i18n';
import { apiText } from '@/i18n/useApiText';
import { conditionOf } from './alertCondition';

const AAPL = { subject: 'US:AAPL', value: null, threshold: null };

beforeAll(() => setLanguage('zh-TW'));
afterAll(() => setLanguage('en'));

it.each([
  ['drift:US:AAPL', 'alert.drift', undefined],
  ['coverage:5:US:AAPL', 'alert.coverage', 5],
  ['forecast_outlier:US:AAPL:1', 'alert.forecast_outlier', 1],
  ['quality:zero_volume:US:AAPL', 'alert.quality.zero_volume', undefined],
])('reads what %s is about', (fingerprint, code, horizon) => {
  const found = conditionOf({ ...AAPL, fingerprint });
  expect(found.code).toBe(code);
  expect(found.values.horizon).toBe(horizon);
});

it('tells a bias by its sign, and a retraining by its state', () => {
  expect(conditionOf({ ...AAPL, fingerprint: 'bias:1:US:AAPL', value: -0.01 }).code).toBe('alert.bias.low');
  const fingerprint = 'retraining:0b1f:shadow';
  expect(conditionOf({ ...AAPL, subject: 'stock-US-AAPL', fingerprint }).code).toBe(
    'alert.retraining.shadow',
  );
});

it('says it in the language of the page with its numbers', () => {
  const { code, values } = conditionOf({
    fingerprint: 'coverage:5:US:AAPL',
    subject: 'US:AAPL',
    value: 0.7512,
    threshold: 0.83,
  });
  expect(apiText(i18next, `${code}.title`, 'as it came', values)).toBe(
    'US:AAPL：5 個交易日後的區間涵蓋率偏離',
  );
  expect(apiText(i18next, `${code}.detail`, 'as it came', values)).toContain('75.1%');
});

it("stays in the API's words where a value is missing, and where nothing is known of the code", () => {
  const { code, values } = conditionOf({ ...AAPL, fingerprint: 'coverage:5:US:AAPL' });
  expect(apiText(i18next, `${code}.detail`, 'as it came', values)).toBe('as it came');
  expect(apiText(i18next, 'alert.unheard_of.title', 'as it came', values)).toBe('as it came');
});
