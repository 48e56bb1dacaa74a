import type { i18n as I18n } from 'i18next';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { useApiSentence } from './sentences';

/** What a text speaks of, by name. */
export type Values = Readonly<Record<string, unknown>>;

/** The text of a code in the page's language, or the API's own. */
export type Say = (code: string, text: string, values?: Values) => string;

/** The texts of what the API says in English; the languages that differ from it have them. */
export const API_TEXTS = 'api';

const NAME = /{{\s*(\w+)/g;
const NUMBER = /\d+/g;

/**
 * The API speaks English. Other languages say the same by its stable codes, as far as they know them: what they do not
 * know, or what speaks of a value that did not come along, stays in the API's words.
 */
export function apiText(i18n: I18n, code: string, text: string, values: Values = {}): string {
  const template: unknown = i18n.getResource(i18n.language, API_TEXTS, code);
  if (typeof template !== 'string') return text;
  const known = [...template.matchAll(NAME)].every(([, name]) => values[name ?? ''] != null);
  if (!known) return text;
  return i18n.services.interpolator.interpolate(template, { ...values }, i18n.language, {});
}

/** By its code, else by its wording, else as the API says it. */
export function useApiText(): Say {
  const { i18n } = useTranslation();
  // Another function in each language, so that what is remembered with it is said anew.
  const sentence = useApiSentence();
  return useCallback(
    (code: string, text: string, values?: Values) => apiText(i18n, code, sentence(text), values),
    [i18n, sentence],
  );
}

/** A text that differs from others in its numbers only: `fold {} of {}`, and its numbers as `a`, `b` and so on. */
export function withoutNumbers(text: string): { code: string; values: Values } {
  const numbers = text.match(NUMBER) ?? [];
  const named = numbers.map((value, index) => [String.fromCharCode(97 + index), value]);
  return { code: text.replace(NUMBER, '{}'), values: Object.fromEntries(named) as Values };
}
