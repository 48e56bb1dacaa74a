import { expect, it } from 'vitest';
import en from './locales/en.json';
import zh from './locales/zh-TW.json';
import { preferredLanguage } from './index';

type Texts = Readonly<{ [key: string]: string | Texts }>;

/** `a.b` of every text; the plural forms that a language has are its own business. */
function keysOf(texts: Texts, prefix = ''): string[] {
  return Object.entries(texts).flatMap(([key, value]) =>
    typeof value === 'string'
      ? [`${prefix}${key}`.replace(/_(one|other)$/, '')]
      : keysOf(value, `${prefix}${key}.`),
  );
}

function valuesIn(texts: Texts, prefix = ''): [string, string][] {
  return Object.entries(texts).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' ? [[`${prefix}${key}`, value]] : valuesIn(value, `${prefix}${key}.`),
  );
}

it('says in Chinese all that it says in English', () => {
  expect(new Set(keysOf(zh))).toEqual(new Set(keysOf(en)));
});

it('leaves no text empty and uses no value that English does not know', () => {
  const known = new Map(valuesIn(en).map(([key, text]) => [key, new Set(text.match(/{{\w+}}/g) ?? [])]));
  for (const [key, text] of valuesIn(zh)) {
    expect(text, key).not.toBe('');
    const used = text.match(/{{\w+}}/g) ?? [];
    expect(
      used.filter((value) => !known.get(key)?.has(value)),
      key,
    ).toEqual([]);
  }
});

it('takes the first language of the browser that it speaks, and English when it speaks none', () => {
  expect(preferredLanguage(['fr-FR', 'zh-Hant-TW', 'en'])).toBe('zh-TW');
  expect(preferredLanguage(['en-GB', 'zh-TW'])).toBe('en');
  expect(preferredLanguage(['fr-FR'])).toBe('en');
});
