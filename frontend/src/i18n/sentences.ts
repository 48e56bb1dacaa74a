import type { i18n as I18n } from 'i18next';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';

/** What the API says in whole English sentences, as another language says it. */
export const SENTENCES = 'sentences';

const NAME = /{{(\w+)}}/;
const NAMES = new RegExp(NAME, 'g');
/** Several sentences in one, and what one speaks of before it. */
const NEXT = '; ';
const FIELD = /^([\w.]+): (.+)$/s;

interface Sentence {
  english: RegExp;
  /** of its values, in their order */
  names: readonly string[];
  said: string;
}

/** Compiled once, however many components say them. */
const COMPILED = new WeakMap<object, readonly Sentence[]>();

function compiled(bundle: Readonly<Record<string, string>>): readonly Sentence[] {
  const sentences = COMPILED.get(bundle) ?? compile(bundle);
  COMPILED.set(bundle, sentences);
  return sentences;
}

/** A language's sentences, those first that leave the least open. */
function compile(sentences: Readonly<Record<string, string>>): readonly Sentence[] {
  return Object.entries(sentences)
    .toSorted(([a], [b]) => b.replace(NAMES, '').length - a.replace(NAMES, '').length)
    .map(([english, said]) => {
      const parts = english.split(NAME);
      const pattern = parts.map((part, index) => (index % 2 ? '(.*?)' : escaped(part))).join('');
      return {
        english: new RegExp(`^${pattern}$`, 's'),
        names: parts.filter((_, index) => index % 2),
        said,
      };
    });
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** A known sentence with its values, which may be sentences as well; undefined for one that is not known. */
function known(sentences: readonly Sentence[], text: string): string | undefined {
  for (const { english, names, said } of sentences) {
    const found = english.exec(text);
    if (!found) continue;
    const values = new Map(names.map((name, index) => [name, found[index + 1] ?? '']));
    return said.replace(NAMES, (whole, name: string) => translated(sentences, values.get(name) ?? whole));
  }
  return undefined;
}

/** As far as it is known, part by part. */
function translated(sentences: readonly Sentence[], text: string): string {
  const whole = known(sentences, text);
  if (whole !== undefined) return whole;
  const parts = text.split(NEXT);
  if (parts.length > 1 && parts.some((part) => translated(sentences, part) !== part))
    return parts.map((part) => translated(sentences, part)).join(NEXT);
  const [, field, rest] = FIELD.exec(text) ?? [];
  return field && rest ? `${field}: ${translated(sentences, rest)}` : text;
}

/** Says the API's sentences in the page's language; what it does not know of stays in the API's words. */
export function sentencesOf(i18n: I18n, language: string): (text: string) => string {
  const bundle = i18n.getResourceBundle(language, SENTENCES) as Readonly<Record<string, string>> | undefined;
  if (!bundle) return (text) => text;
  const sentences = compiled(bundle);
  return (text) => translated(sentences, text);
}

export function useApiSentence(): (text: string) => string {
  const { i18n } = useTranslation();
  const { language } = i18n;
  return useMemo(() => sentencesOf(i18n, language), [i18n, language]);
}
