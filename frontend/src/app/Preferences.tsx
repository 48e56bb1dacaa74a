import { ActionIcon, Button, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { IconMoon, IconSun } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { LANGUAGES, setLanguage, type Language } from '@/i18n';

export function ThemeToggle() {
  const { t } = useTranslation();
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false });
  const other = scheme === 'dark' ? 'light' : 'dark';
  return (
    <ActionIcon
      size="lg"
      aria-label={t(`preferences.${other}`)}
      data-testid="theme-toggle"
      onClick={() => {
        setColorScheme(other);
      }}
    >
      {scheme === 'dark' ? <IconSun size={18} /> : <IconMoon size={18} />}
    </ActionIcon>
  );
}

/** Goes to the next language; the button names it in itself, so that whoever cannot read the page finds it. */
export function LanguageToggle() {
  const { i18n } = useTranslation();
  const languages = Object.keys(LANGUAGES) as Language[];
  const next = languages[(languages.indexOf(i18n.language as Language) + 1) % languages.length] ?? 'en';
  return (
    <Button
      variant="subtle"
      color="gray"
      size="compact-sm"
      lang={next}
      data-testid="language-toggle"
      onClick={() => {
        void setLanguage(next);
      }}
    >
      {LANGUAGES[next]}
    </Button>
  );
}
