import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import en from './locales/en.json';
import { SENTENCES } from './sentences';
import { API_TEXTS } from './useApiText';

/** BCP 47 tags of the page's languages, each named in itself and shortly. */
export const LANGUAGES = { en: 'English', 'zh-TW': '中文' } as const;
export type Language = keyof typeof LANGUAGES;

const STORAGE_KEY = 'stock-mlops-language';

/** The page's own texts, and what the API says in English in another language. */
type Bundles = Readonly<Record<string, object>>;

const LOADERS: Record<Language, () => Promise<Bundles>> = {
  en: () => Promise.resolve({ translation: en }),
  'zh-TW': async () => {
    const [page, api, sentences] = await Promise.all([
      import('./locales/zh-TW.json'),
      import('./locales/zh-TW.api.json'),
      import('./locales/zh-TW.sentences.json'),
    ]);
    return { translation: page.default, [API_TEXTS]: api.default, [SENTENCES]: sentences.default };
  },
};

function isLanguage(value: string | null): value is Language {
  return value !== null && value in LANGUAGES;
}

function stored(): string | null {
  try {
    return localStorage.getItem(STORAGE_KEY);
  } catch {
    return null; // Storage is blocked: the browser's languages decide.
  }
}

/** The language chosen before, else the first of the browser's that the page speaks, else English. */
export function preferredLanguage(browser: readonly string[] = navigator.languages): Language {
  const chosen = stored();
  if (isLanguage(chosen)) return chosen;
  for (const tag of browser) {
    if (tag.startsWith('zh')) return 'zh-TW';
    if (tag.startsWith('en')) return 'en';
  }
  return 'en';
}

async function load(language: Language): Promise<void> {
  if (i18next.hasResourceBundle(language, 'translation')) return;
  for (const [name, texts] of Object.entries(await LOADERS[language]()))
    i18next.addResourceBundle(language, name, texts);
}

/** Switches the page's language, loads its texts first, and remembers the choice. */
export async function setLanguage(language: Language): Promise<void> {
  await load(language);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
  try {
    localStorage.setItem(STORAGE_KEY, language);
  } catch {
    // Storage is blocked: the choice lasts as long as the page.
  }
}

/** To be awaited before the first render, so that the page never shows in two languages. */
export async function startI18n(language: Language): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: 'en',
    resources: { en: { translation: en } },
    interpolation: { escapeValue: false }, // React escapes
    returnNull: false,
  });
  await load(language);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}
