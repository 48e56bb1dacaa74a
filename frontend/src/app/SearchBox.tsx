import { InputBase } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { lazy, startTransition, Suspense, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

/** The list that drops down is large; it is fetched when somebody comes to the field. */
const InstrumentSearch = lazy(() => import('./InstrumentSearch'));

/** Finds a loaded instrument by ticker or name; `/` puts the cursor here. */
export function SearchBox() {
  const { t } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  const [words, setWords] = useState('');
  const [wanted, setWanted] = useState(false);
  useHotkeys([['/', () => input.current?.focus()]]);
  const field = {
    'aria-label': t('search.label'),
    placeholder: t('search.placeholder'),
    leftSection: <IconSearch size={16} aria-hidden />,
    size: 'sm',
    'data-testid': 'search',
  };
  return (
    <Suspense>
      {wanted ? (
        <InstrumentSearch input={input} field={field} words={words} onWords={setWords} />
      ) : (
        <InputBase
          {...field}
          ref={input}
          value={words}
          onChange={(event) => {
            setWords(event.currentTarget.value);
          }}
          onFocus={() => {
            // This field stays, with what is typed into it, until the other one is there.
            startTransition(() => {
              setWanted(true);
            });
          }}
        />
      )}
    </Suspense>
  );
}
