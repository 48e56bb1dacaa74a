import { Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Exchange } from '@/api/etl';
import { exchangesQuery } from '@/api/exchanges';

interface ExchangeSelectProps {
  value: Exchange;
  onChange: (value: Exchange) => void;
  error: string | undefined;
}

/** One of the markets that the platform knows. */
export function ExchangeSelect({ value, onChange, error }: ExchangeSelectProps) {
  const { t } = useTranslation();
  const exchanges = useQuery(exchangesQuery());
  const known = exchanges.data?.map((item) => ({
    value: item.exchange,
    label: `${item.exchange} · ${item.name}`,
  }));
  return (
    <Select
      label={t('dataset.exchange')}
      description={t('etl.exchangeHint')}
      data={known ?? [{ value, label: value }]}
      searchable
      value={value}
      error={error}
      onChange={(chosen) => {
        // The list is the API's own, so whatever is chosen from it is one that it knows.
        if (chosen) onChange(chosen as Exchange);
      }}
    />
  );
}
