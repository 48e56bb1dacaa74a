import '@/shared/ui/mantineMore';
import { Combobox, InputBase, Text, useCombobox, type InputBaseProps } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useEffectEvent, type RefObject } from 'react';
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

interface InstrumentSearchProps {
  input: RefObject<HTMLInputElement | null>;
  /** how the field looks and what it is called */
  field: InputBaseProps;
  words: string;
  onWords: (words: string) => void;
}

/** The field of {@link SearchBox} with what it finds; takes the cursor over when it comes. */
export default function InstrumentSearch({ input, field, words, onWords }: InstrumentSearchProps) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const datasets = useQuery(datasetsQuery());
  const combobox = useCombobox({
    onDropdownClose: () => {
      combobox.resetSelectedOption();
    },
  });
  useEffect(() => {
    input.current?.focus();
  }, [input]);
  const found = (datasets.data ?? []).filter((dataset) => matches(dataset, words)).slice(0, MOST);

  const first = found[0] && `${found[0].exchange}:${found[0].ticker}`;
  const choose = useEffectEvent(() => {
    if (words) combobox.selectFirstOption();
  });
  // Once it is on the page: Enter opens what the words found first.
  useEffect(() => {
    choose();
  }, [words, first, combobox.dropdownOpened]);

  const open = (key: string) => {
    const [exchange = '', ticker = ''] = key.split(':');
    onWords('');
    combobox.closeDropdown();
    input.current?.blur();
    void navigate({ to: '/stock/$exchange/$ticker', params: { exchange, ticker } });
  };

  return (
    <Combobox store={combobox} onOptionSubmit={open} width={300} position="bottom-start">
      <Combobox.Target>
        <InputBase
          {...field}
          ref={input}
          value={words}
          onChange={(event) => {
            onWords(event.currentTarget.value);
            combobox.openDropdown();
          }}
          onFocus={() => {
            combobox.openDropdown();
          }}
          onBlur={() => {
            combobox.closeDropdown();
          }}
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
