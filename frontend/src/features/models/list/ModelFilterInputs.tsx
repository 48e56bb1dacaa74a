import { Button, Group, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { datasetsQuery } from '@/api/datasets';
import { modelTypesQuery } from '@/api/modelOptions';
import { useModelTypeText } from '@/features/forecast/modelTypeText';
import { filtersOf, useModelsSearch } from './useModelsSearch';

/** How long typing must pause before the list is asked for (ms). */
const PAUSE = 350;

/** Narrow the list down; what is chosen stands in the address. */
export function ModelFilterInputs() {
  const { t } = useTranslation();
  const text = useModelTypeText();
  const { search, update } = useModelsSearch();
  const datasets = useQuery(datasetsQuery());
  const types = useQuery(modelTypesQuery());
  const tickers = (datasets.data ?? []).map(({ exchange, ticker }) => `${exchange}:${ticker}`);
  const chosen = search.ticker ? `${search.exchange ?? 'US'}:${search.ticker}` : null;
  const any = Object.values(filtersOf(search)).some(Boolean);
  return (
    <Group gap="sm" align="flex-end">
      <Select
        size="sm"
        w={{ base: '100%', xs: 180 }}
        aria-label={t('models.filter.ticker')}
        placeholder={t('models.filter.ticker')}
        searchable
        clearable
        value={chosen}
        // A ticker that is in the address need not be loaded.
        data={chosen && !tickers.includes(chosen) ? [chosen, ...tickers] : tickers}
        onChange={(value) => {
          const [exchange, ticker] = value?.split(':') ?? [];
          update({ exchange, ticker });
        }}
        data-testid="filter-ticker"
      />
      <Select
        size="sm"
        w={{ base: '100%', xs: 200 }}
        aria-label={t('models.filter.type')}
        placeholder={t('models.filter.type')}
        clearable
        value={search.type ?? null}
        data={(types.data ?? []).map((item) => ({
          value: item.name,
          label: text.title(item.name, item.title),
        }))}
        onChange={(type) => {
          update({ type: type ?? undefined });
        }}
        data-testid="filter-type"
      />
      <WordsInput name="panel" />
      <WordsInput name="tag" />
      {any && (
        <Button
          variant="subtle"
          color="gray"
          onClick={() => {
            update({
              exchange: undefined,
              ticker: undefined,
              panel: undefined,
              type: undefined,
              tag: undefined,
            });
          }}
        >
          {t('models.filter.clear')}
        </Button>
      )}
    </Group>
  );
}

/** A filter that is typed; the list follows when the typing pauses. */
function WordsInput({ name }: { name: 'panel' | 'tag' }) {
  const { t } = useTranslation();
  const { search, update } = useModelsSearch();
  const held = search[name] ?? '';
  const [typed, setTyped] = useState(held);
  const [sent, setSent] = useState(held);
  // The address changed by other means, as by clearing all filters.
  if (held !== sent) {
    setSent(held);
    setTyped(held);
  }
  const send = useDebouncedCallback((value: string) => {
    setSent(value);
    update({ [name]: value || undefined });
  }, PAUSE);
  return (
    <TextInput
      size="sm"
      w={{ base: 'calc(50% - 6px)', xs: 120 }}
      aria-label={t(`models.filter.${name}`)}
      placeholder={t(`models.filter.${name}`)}
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        send(event.currentTarget.value.trim());
      }}
      data-testid={`filter-${name}`}
    />
  );
}
