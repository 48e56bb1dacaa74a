import { Combobox, InputBase, Text, useCombobox } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { datasetsQuery, type Dataset } from '@/api/datasets';

const MOST = 50;

function matches(dataset: Dataset, words: string): boolean {
  const text = `${dataset.exchange}:${dataset.ticker} ${dataset.name}`.toLowerCase();
  return words
    .toLowerCase()
    .trim()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** Finds a loaded instrument by ticker or name; `/` puts the cursor here. */
export function InstrumentSearch() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const datasets = useQuery(datasetsQuery());
  const [words, setWords] = useState('');
  const input = useRef<HTMLInputElement>(null);
  const combobox = useCombobox({
    onDropdownClose: () => {
      combobox.resetSelectedOption();
    },
  });
  useHotkeys([['/', () => input.current?.focus()]]);
  const found = (datasets.data ?? []).filter((dataset) => matches(dataset, words)).slice(0, MOST);

  const open = (key: string) => {
    const [exchange = '', ticker = ''] = key.split(':');
    setWords('');
    combobox.closeDropdown();
    input.current?.blur();
    void navigate({ to: '/stock/$exchange/$ticker', params: { exchange, ticker } });
  };

  return (
    <Combobox store={combobox} onOptionSubmit={open} width={300} position="bottom-start">
      <Combobox.Target>
        <InputBase
          ref={input}
          aria-label={t('search.label')}
          placeholder={t('search.placeholder')}
          leftSection={<IconSearch size={16} aria-hidden />}
          size="sm"
          value={words}
          onChange={(event) => {
            setWords(event.currentTarget.value);
            combobox.openDropdown();
            combobox.selectFirstOption();
          }}
          onFocus={() => {
            combobox.openDropdown();
          }}
          onBlur={() => {
            combobox.closeDropdown();
          }}
          data-testid="search"
        />
      </Combobox.Target>
      <Combobox.Dropdown>
        <Combobox.Options mah={320} style={{ overflowY: 'auto' }}>
          {found.map((dataset) => (
            <Combobox.Option
              key={`${dataset.exchange}:${dataset.ticker}`}
              value={`${dataset.exchange}:${dataset.ticker}`}
            >
              <Text span fw={600} fz="sm">
                {dataset.ticker}
              </Text>{' '}
              <Text span fz="xs" className="muted">
                {dataset.exchange} · {dataset.name}
              </Text>
            </Combobox.Option>
          ))}
          {found.length === 0 && <Combobox.Empty>{t('search.nothing')}</Combobox.Empty>}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}
