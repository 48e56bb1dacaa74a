import { Button, Card, Skeleton } from '@mantine/core';
import { IconDatabaseImport } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { etlRunsQuery, type EtlRun } from '@/api/etl';
import { useApiSentence } from '@/i18n/sentences';
import { useFormat } from '@/shared/format/useFormat';
import { actionColumn, type Column } from '@/shared/table/columns';
import { DataTable } from '@/shared/table/DataTable';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';
import { RunState } from './RunState';
import { useDatasetsSearch } from './useDatasetsSearch';

/** The newest loads, those of the command line and of schedules included. */
export function RunsPanel() {
  const { t } = useTranslation();
  const runs = useQuery(etlRunsQuery());
  const columns = useColumns();
  if (runs.isPending) return <Skeleton height={240} radius="lg" />;
  if (runs.isError) return <ProblemAlert error={runs.error} onRetry={runs.refetch} />;
  return (
    <Card>
      {runs.data.length === 0 ? (
        <EmptyState icon={<IconDatabaseImport size={26} />} title={t('etl.none.title')}>
          {t('etl.none.detail')}
        </EmptyState>
      ) : (
        <DataTable
          label={t('dataset.tabs.loads')}
          columns={columns}
          rows={runs.data}
          rowKey={(run) => run.run_id}
          csv="loads"
          testId="etl-runs"
        />
      )}
    </Card>
  );
}

function useColumns(): readonly Column<EtlRun>[] {
  const { t } = useTranslation();
  const format = useFormat();
  const sentence = useApiSentence();
  return useMemo(
    () => [
      {
        id: 'at',
        header: t('etl.at'),
        value: (run) => run.created_at,
        cell: (run) => <span className="nowrap">{format.instant(run.created_at)}</span>,
      },
      { id: 'source', header: t('dataset.source'), value: (run) => run.source, visibleFrom: 'sm' },
      {
        id: 'state',
        header: t('etl.stateOf'),
        value: (run) => run.state,
        cell: (run) => <RunState state={run.state} />,
      },
      {
        id: 'tickers',
        header: t('etl.tickers'),
        value: (run) => run.tickers_done,
        cell: (run) =>
          `${format.integer(run.tickers_done)} / ${run.tickers_total == null ? '–' : format.integer(run.tickers_total)}`,
        align: 'right',
        visibleFrom: 'sm',
      },
      {
        id: 'message',
        header: t('etl.message'),
        value: (run) => sentence(run.error ?? run.message),
        visibleFrom: 'lg',
      },
      actionColumn((run) => <OpenRun runId={run.run_id} />),
    ],
    [t, format, sentence],
  );
}

function OpenRun({ runId }: { runId: string }) {
  const { t } = useTranslation();
  const { update } = useDatasetsSearch();
  return (
    <Button
      size="compact-sm"
      variant="light"
      onClick={() => {
        update({ run: runId }, { replace: false });
        globalThis.scrollTo({ top: 0 });
      }}
    >
      {t('dataset.open')}
    </Button>
  );
}
