import { useTranslation } from 'react-i18next';
import { createFormat, type Format } from './format';

const formats = new Map<string, Format>();

/** Formatters of the page's language. */
export function useFormat(): Format {
  const { i18n } = useTranslation();
  const language = i18n.language;
  let format = formats.get(language);
  if (!format) formats.set(language, (format = createFormat(language)));
  return format;
}
