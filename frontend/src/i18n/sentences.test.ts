import i18next from 'i18next';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setLanguage } from './index';
import zh from './locales/zh-TW.sentences.json';
import { sentencesOf } from './sentences';

const NAMES = /{{\w+}}/g;

it('fills in every value of the sentence, and no other', () => {
  for (const [english, said] of Object.entries(zh)) {
    const given: readonly string[] = english.match(NAMES) ?? [];
    expect(new Set(given).size, english).toBe(given.length);
    const strange = (said.match(NAMES) ?? []).filter((name) => !given.includes(name));
    expect(strange, english).toEqual([]);
  }
});

it('leaves the words of the API to who reads English', () => {
  expect(sentencesOf(i18next, 'en')('the model was deleted')).toBe('the model was deleted');
});

describe('in Chinese', () => {
  beforeAll(async () => {
    await setLanguage('zh-TW');
  });
  afterAll(async () => {
    await setLanguage('en');
  });
  const say = (text: string) => sentencesOf(i18next, 'zh-TW')(text);

  it.each([
    ['there is no model 7f; GET /api/models lists what there is', '沒有模型 7f'],
    ['close is -1.0, expected a positive number', 'close 為 -1.0，應為正數'],
    // A value that is a sentence as well.
    [
      'PostgreSQL is unavailable (all connections are busy); try again after Retry-After seconds',
      'PostgreSQL 目前無法使用（所有連線都在使用中）；請稍後再試',
    ],
    [
      "a.csv: 1 of 2 rows cannot be read, the first is row 3 (close: expected a number, got 'x'); correct them, name the columns in another way, or send skip_bad_rows=true",
      'a.csv：2 列中有 1 列無法讀取，第一個是第 3 列（close: 應為數字，收到的是「x」）；請更正、改填欄位名稱，或勾選「略過無法讀取的列」',
    ],
    // What is more is the better match.
    ['stock-US-AAPL has no version 9; there are 1, 2', 'stock-US-AAPL 沒有版本 9；現有 1, 2'],
    // Several at once, each after what it speaks of, and one that nobody knows.
    [
      'end: expected a day before last (2024-01-01), got 2024-02-01; what is this',
      'end: 須早於最後一天（2024-01-01），收到的是 2024-02-01; what is this',
    ],
    ['what nobody has heard before', 'what nobody has heard before'],
  ])('%s', (english, chinese) => {
    expect(say(english)).toBe(chinese);
  });
});
