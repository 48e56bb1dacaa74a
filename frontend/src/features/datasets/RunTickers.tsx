import { Badge, Text } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { TickerLoad } from '@/api/etl';
import { StockLink } from '@/features/forecast/StockLink';
import { useApiSentence } from '@/i18n/sentences';
import { useFormat } from '@/shared/format/useFormat';
import { instrumentKey } from '@/shared/instrument';
import type { Column } from '@/shared/table/columns';
import { DataTable } from '@/shared/table/DataTable';

/** What became of each ticker of a load, in the order in which they were done. */
export function RunTickers({ tickers }: { tickers: readonly TickerLoad[] }) {
  const { t } = useTranslation();
  const columns = useColumns();
  return (
    <DataTable
      label={t('etl.tickers')}
      columns={columns}
      rows={tickers}
      rowKey={instrumentKey}
      rowProps={({ exchange, ticker }) => ({
        'data-testid': `loaded-${exchange}-${ticker}`,
        className: 'arrived',
      })}
      csv="load"
      maxHeight={360}
    />
  );
}

function useColumns(): readonly Column<TickerLoad>[] {
  const { t } = useTranslation();
  const format = useFormat();
  return useMemo((): readonly Column<TickerLoad>[] => {
    const count = (
      id: 'new' | 'changed' | 'unchanged' | 'rejected',
      visibleFrom?: 'sm',
    ): Column<TickerLoad> => ({
      id,
      header: t(`etl.${id}`),
      value: (row) => row[id],
      cell: (row) => format.integer(row[id]),
      align: 'right',
      visibleFrom,
    });
    return [
      { id: 'ticker', header: t('dataset.ticker'), value: instrumentKey, cell: Name },
      {
        id: 'span',
        header: t('dataset.span'),
        value: (row) => row.last_session ?? null,
        cell: (row) =>
          row.first_session && row.last_session
            ? `${format.session(row.first_session)} – ${format.session(row.last_session)}`
            : '–',
        visibleFrom: 'md',
      },
      count('new'),
      count('changed', 'sm'),
      count('unchanged', 'sm'),
      count('rejected'),
      {
        id: 'result',
        header: t('etl.result'),
        value: (row) => row.error ?? row.notes.join(' '),
        cell: (row) => <Result load={row} />,
      },
    ];
  }, [t, format]);
}

function Name(load: TickerLoad) {
  return <StockLink instrument={load} />;
}

/** Errors and the first reasons of refusal. */
function Result({ load }: { load: TickerLoad }) {
  const { t } = useTranslation();
  const sentence = useApiSentence();
  const reasons = [...new Set(load.rejections.map((row) => row.reason))].slice(0, 3);
  return (
    <>
      {load.error ? (
        <Badge color="red">{t('etl.state.failed')}</Badge>
      ) : (
        <Badge color="teal">{t('etl.loaded')}</Badge>
      )}
      {[...(load.error ? [load.error] : []), ...load.notes, ...reasons].map((words) => (
        <Text key={words} fz="xs" className="muted" maw={420}>
          {sentence(words)}
        </Text>
      ))}
    </>
  );
}
