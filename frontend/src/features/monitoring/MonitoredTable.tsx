import { Badge, Button, Text } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Monitored } from '@/api/monitoring';
import { StockLink } from '@/features/forecast/StockLink';
import { useFormat } from '@/shared/format/useFormat';
import { instrumentKey } from '@/shared/instrument';
import { actionColumn, type Column } from '@/shared/table/columns';
import { DataTable } from '@/shared/table/DataTable';
import { conditionsOf, coverageOf, numberOf } from './numbers';
import { useMonitoringSearch } from './useMonitoringSearch';

/** The newest numbers of every ticker, one session ahead. */
export function MonitoredTable({ rows }: { rows: readonly Monitored[] }) {
  const { t } = useTranslation();
  const columns = useColumns();
  return (
    <DataTable
      label={t('monitoring.tabs.quality')}
      columns={columns}
      rows={rows}
      rowKey={instrumentKey}
      rowProps={({ exchange, ticker }) => ({ 'data-testid': `monitored-${exchange}-${ticker}` })}
      csv="monitoring"
    />
  );
}

function useColumns(): readonly Column<Monitored>[] {
  const { t } = useTranslation();
  const format = useFormat();
  return useMemo(
    (): readonly Column<Monitored>[] => [
      { id: 'ticker', header: t('dataset.ticker'), value: instrumentKey, cell: Name },
      {
        id: 'session',
        header: t('forecastQuality.session'),
        value: (row) => row.session,
        cell: (row) => <span className="nowrap">{format.session(row.session)}</span>,
        visibleFrom: 'lg',
      },
      {
        id: 'rmse',
        header: 'RMSE',
        hint: t('forecastQuality.rmseHint'),
        value: (row) => numberOf(row, 'accuracy', 'rmse', '1')?.value,
        cell: (row) =>
          share(numberOf(row, 'accuracy', 'rmse', '1')?.value, (value) => format.percent(value, 2)),
        align: 'right',
      },
      {
        id: 'skill',
        header: t('scores.skill'),
        hint: t('scores.skillHint'),
        value: (row) => numberOf(row, 'accuracy', 'skill', '1')?.value,
        cell: (row) => share(numberOf(row, 'accuracy', 'skill', '1')?.value, format.change),
        align: 'right',
      },
      {
        id: 'coverage',
        header: t('scores.coverage'),
        hint: t('forecastQuality.coverageHint'),
        value: (row) => coverageOf(row)?.value,
        cell: (row) => <Coverage row={row} />,
        align: 'right',
        visibleFrom: 'sm',
      },
      {
        id: 'drift',
        header: t('forecastQuality.drift'),
        hint: t('forecastQuality.driftHint'),
        value: (row) => numberOf(row, 'drift', 'features', '')?.value,
        cell: (row) => share(numberOf(row, 'drift', 'features', '')?.value, format.integer),
        align: 'right',
        visibleFrom: 'md',
      },
      {
        id: 'parity',
        header: t('forecastQuality.parity'),
        hint: t('forecastQuality.parityHint'),
        value: (row) => numberOf(row, 'parity', 'difference')?.value,
        cell: (row) => share(numberOf(row, 'parity', 'difference')?.value, format.legend),
        align: 'right',
        visibleFrom: 'lg',
      },
      {
        id: 'conditions',
        header: t('forecastQuality.conditions'),
        hint: t('forecastQuality.conditionsHint'),
        value: (row) => conditionsOf(row).length,
        cell: (row) => <Conditions row={row} />,
      },
      actionColumn((row) => <OverTime row={row} />),
    ],
    [t, format],
  );
}

function share(value: number | undefined, format: (value: number) => string): string {
  return value === undefined ? '–' : format(value);
}

function Name(row: Monitored) {
  return (
    <>
      <StockLink instrument={row} />
      {row.model_version && (
        <Text fz="xs" className="muted">
          v{row.model_version}
        </Text>
      )}
    </>
  );
}

function Coverage({ row }: { row: Monitored }) {
  const { t } = useTranslation();
  const format = useFormat();
  const found = coverageOf(row);
  if (!found) return '–';
  return (
    <>
      {format.percent(found.value, 0)}{' '}
      {found.threshold !== null && (
        <span className="muted">{t('record.stated', { share: format.percent(found.threshold) })}</span>
      )}
    </>
  );
}

function Conditions({ row }: { row: Monitored }) {
  const { t } = useTranslation();
  const found = conditionsOf(row);
  if (found.length === 0) return <Badge color="teal">{t('forecastQuality.fine')}</Badge>;
  const names = [...new Set(found.map((item) => t(`monitor.${item.monitor}`)))];
  return <Badge color="yellow">{names.join(', ')}</Badge>;
}

function OverTime({ row }: { row: Monitored }) {
  const { t } = useTranslation();
  const { update } = useMonitoringSearch();
  return (
    <Button
      size="compact-sm"
      variant="light"
      aria-label={t('forecastQuality.overTimeOf', { ticker: row.ticker })}
      onClick={() => {
        update({ of: instrumentKey(row) });
      }}
    >
      {t('forecastQuality.overTime')}
    </Button>
  );
}
