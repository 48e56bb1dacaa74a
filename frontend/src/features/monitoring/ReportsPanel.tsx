import { Button, Group, Skeleton } from '@mantine/core';
import { IconDownload, IconEye, IconReportAnalytics } from '@tabler/icons-react';
import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { reportsQuery, saveReport, type Report } from '@/api/monitoring';
import { useFormat } from '@/shared/format/useFormat';
import { instrumentKey } from '@/shared/instrument';
import type { Column } from '@/shared/table/columns';
import { DataTable } from '@/shared/table/DataTable';
import { MoreButton } from '@/shared/ui/MoreButton';
import { Dialog } from '@/shared/ui/Dialog';
import { FramedReport } from '@/shared/ui/FramedReport';
import { Panel } from '@/shared/ui/Panel';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';
import { useMonitoringSearch } from './useMonitoringSearch';

/** The scheduled drift reports, as pages to keep. */
export function ReportsPanel() {
  const { t } = useTranslation();
  const reports = useInfiniteQuery(reportsQuery());
  const rows = useMemo(() => reports.data?.pages.flatMap((page) => page.items), [reports.data]);
  const columns = useColumns();
  const { search } = useMonitoringSearch();
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = reports;
  const sought = search.report !== undefined && rows?.every(({ name }) => name !== search.report);
  // The address may ask for an older report than the first page holds. After an error somebody has to ask.
  const goOn = sought && hasNextPage && !isFetchingNextPage && !isFetchNextPageError;
  useEffect(() => {
    if (goOn) void fetchNextPage();
  }, [goOn, fetchNextPage]);
  return (
    <Panel title={t('reports.title')} description={t('reports.subtitle')} data-testid="reports">
      {reports.isPending && <Skeleton height={120} />}
      {reports.isError && <ProblemAlert error={reports.error} onRetry={reports.refetch} />}
      {rows?.length === 0 && (
        <EmptyState icon={<IconReportAnalytics size={26} />} title={t('reports.none.title')}>
          {t('reports.none.detail')}
        </EmptyState>
      )}
      {rows && rows.length > 0 && (
        <DataTable
          label={t('reports.title')}
          columns={columns}
          rows={rows}
          rowKey={(report) => report.name}
        />
      )}
      <MoreButton
        label={t('history.more')}
        hidden={!hasNextPage}
        loading={isFetchingNextPage}
        onMore={() => void fetchNextPage()}
      />
      {rows && <OpenedReport reports={rows} />}
    </Panel>
  );
}

const KIBIBYTE = 1024;

function useColumns(): readonly Column<Report>[] {
  const { t } = useTranslation();
  const format = useFormat();
  return useMemo(
    () => [
      { id: 'ticker', header: t('dataset.ticker'), value: instrumentKey },
      {
        id: 'at',
        header: t('reports.at'),
        value: (report) => report.written_at,
        cell: (report) => <span className="nowrap">{format.instant(report.written_at)}</span>,
      },
      {
        id: 'version',
        header: t('history.model'),
        value: (report) => report.model_version,
        cell: (report) => t('model.version', { version: String(report.model_version) }),
        visibleFrom: 'sm',
      },
      {
        id: 'size',
        header: t('reports.size'),
        value: (report) => report.size,
        cell: (report) => t('unit.kibibytes', { value: format.integer(report.size / KIBIBYTE) }),
        align: 'right',
        visibleFrom: 'sm',
      },
      {
        id: 'save',
        header: '',
        value: () => null,
        cell: (report) => (
          <Group gap={6} justify="flex-end" wrap="nowrap">
            <OpenReport name={report.name} />
            <SaveReport name={report.name} />
          </Group>
        ),
        align: 'right',
        sortable: false,
        exported: false,
      },
    ],
    [t, format],
  );
}

function OpenReport({ name }: { name: string }) {
  const { t } = useTranslation();
  const { update } = useMonitoringSearch();
  return (
    <Button
      size="compact-sm"
      variant="light"
      leftSection={<IconEye size={14} />}
      aria-label={t('reports.openOf', { name })}
      onClick={() => {
        update({ report: name });
      }}
    >
      {t('reports.open')}
    </Button>
  );
}

/** The report in the page's address, over the page. */
function OpenedReport({ reports }: { reports: readonly Report[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { search, update } = useMonitoringSearch();
  const report = reports.find((item) => item.name === search.report);
  if (!report) return null;
  const title = t('reports.titleOf', { ticker: report.ticker, at: format.instant(report.written_at) });
  return (
    <Dialog
      onClose={() => {
        update({ report: undefined });
      }}
      title={title}
      size="min(1400px, 96vw)"
    >
      <FramedReport pageUrl={report.page_url} title={title} />
    </Dialog>
  );
}

function SaveReport({ name }: { name: string }) {
  const { t } = useTranslation();
  const save = useMutation({ mutationFn: saveReport });
  return (
    <>
      <Button
        size="compact-sm"
        variant="subtle"
        leftSection={<IconDownload size={14} />}
        loading={save.isPending}
        aria-label={t('reports.saveOf', { name })}
        onClick={() => {
          save.mutate(name);
        }}
      >
        {t('reports.save')}
      </Button>
      {save.isError && <ProblemAlert error={save.error} />}
    </>
  );
}
