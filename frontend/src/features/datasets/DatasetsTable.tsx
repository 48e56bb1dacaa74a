import { Button, Text } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Dataset } from '@/api/datasets';
import { Freshness } from '@/features/forecast/Freshness';
import { StockLink } from '@/features/forecast/StockLink';
import { useFormat } from '@/shared/format/useFormat';
import { instrumentKey } from '@/shared/instrument';
import { actionColumn, sortFromText, sortToText, type Column } from '@/shared/table/columns';
import { DataTable } from '@/shared/table/DataTable';
import { QualityBadge } from './QualityBadge';
import { useDatasetsSearch } from './useDatasetsSearch';

/** What is in the warehouse, how fresh it is on the market's clock, and how whole. */
export function DatasetsTable({ datasets }: { datasets: readonly Dataset[] }) {
  const { t } = useTranslation();
  const { search, update } = useDatasetsSearch();
  const columns = useColumns();
  return (
    <DataTable
      label={t('dataset.title')}
      columns={columns}
      rows={datasets}
      rowKey={instrumentKey}
      rowProps={({ exchange, ticker }) => ({ 'data-testid': `dataset-${exchange}-${ticker}` })}
      csv="datasets"
      sort={sortFromText(search.sort)}
      onSort={(sort) => {
        update({ sort: sortToText(sort) });
      }}
      testId="datasets"
    />
  );
}

function useColumns(): readonly Column<Dataset>[] {
  const { t } = useTranslation();
  const format = useFormat();
  return useMemo(
    () => [
      { id: 'ticker', header: t('dataset.ticker'), value: (row) => row.ticker, cell: Name },
      { id: 'name', header: t('dataset.name'), value: (row) => row.name || null, visibleFrom: 'lg' },
      { id: 'exchange', header: t('dataset.exchange'), value: (row) => row.exchange, visibleFrom: 'md' },
      { id: 'source', header: t('dataset.source'), value: (row) => row.source, visibleFrom: 'lg' },
      {
        id: 'first',
        header: t('dataset.first'),
        value: (row) => row.first_session,
        cell: (row) => format.session(row.first_session),
        visibleFrom: 'lg',
      },
      {
        id: 'last',
        header: t('dataset.last'),
        value: (row) => row.last_session,
        cell: (row) => <span className="nowrap">{format.session(row.last_session)}</span>,
        visibleFrom: 'sm',
      },
      {
        id: 'rows',
        header: t('dataset.rows'),
        value: (row) => row.rows,
        cell: (row) => <span data-testid="dataset-rows">{format.integer(row.rows)}</span>,
        align: 'right',
        visibleFrom: 'sm',
      },
      {
        id: 'close',
        header: t('dataset.close'),
        value: (row) => row.last_close,
        cell: (row) => format.price(row.last_close),
        align: 'right',
        visibleFrom: 'xs',
      },
      {
        id: 'behind',
        header: t('dataset.freshness'),
        hint: t('dataset.freshnessHint'),
        value: (row) => row.sessions_behind,
        cell: (row) => <Freshness dataset={row} />,
      },
      {
        id: 'missing',
        header: t('dataset.quality'),
        hint: t('dataset.qualityHint'),
        value: (row) => row.sessions_missing + row.rows_refused,
        cell: (row) => <QualityBadge dataset={row} />,
        visibleFrom: 'md',
      },
      actionColumn((dataset) => <DetailsButton dataset={dataset} />),
    ],
    [t, format],
  );
}

function Name(dataset: Dataset) {
  return (
    <>
      <StockLink instrument={dataset} />
      <Text fz="xs" className="muted" hiddenFrom="md">
        {dataset.exchange}
      </Text>
    </>
  );
}

function DetailsButton({ dataset }: { dataset: Dataset }) {
  const { t } = useTranslation();
  const { update } = useDatasetsSearch();
  return (
    <Button
      size="compact-sm"
      variant="light"
      aria-label={t('dataset.openOf', { ticker: dataset.ticker })}
      onClick={() => {
        update({ dataset: instrumentKey(dataset) }, { replace: false });
      }}
      data-testid={`open-${dataset.exchange}-${dataset.ticker}`}
    >
      {t('dataset.open')}
    </Button>
  );
}
