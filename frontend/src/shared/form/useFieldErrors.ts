import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { useApiSentence } from '@/i18n/sentences';
import type { FieldError } from '@/shared/problem';
import { fieldErrors, type FormErrors } from './fieldErrors';

/** The field that `body.tickers.3` speaks of: `tickers`. */
function lastName(path: string): string {
  return path.replace(/(\.\d+)+$/, '').replace(/^.*\./, '');
}

/** Says in the page's language what is wrong with a field, where the API tells it by a code; else in the API's words. */
export function useFieldMessage(): (item: FieldError) => string {
  const { t, i18n } = useTranslation();
  const say = useApiSentence();
  return useCallback(
    ({ field, message, code, params = {} }: FieldError) => {
      if (!code) return say(message);
      // One character at least: something, that is.
      const kind = code === 'string_too_short' && params.min_length === 1 ? 'missing' : code;
      const own = `fieldProblem.${kind}_${lastName(field)}`;
      const key = i18n.exists(own) ? own : `fieldProblem.${kind}`;
      return t(key as 'fieldProblem.missing', { ...params, defaultValue: say(message) });
    },
    [t, i18n, say],
  );
}

/** What the API says of a form that was sent: for each of its fields, and of what is none of them. */
export function useFieldErrors<F extends string>(error: unknown, fields: readonly F[]): FormErrors<F> {
  return fieldErrors(error, fields, useFieldMessage());
}
