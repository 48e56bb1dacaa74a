import { Badge, Button, Card, Center, Skeleton, Text } from '@mantine/core';
import { IconFileText } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { TFunction } from 'i18next';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { trailQuery, type AuditEntry } from '@/api/modelVersions';
import type { Format } from '@/shared/format/format';
import { useFormat } from '@/shared/format/useFormat';
import type { Column } from '@/shared/table/columns';
import { DataTable } from '@/shared/table/DataTable';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';

const COLORS: Record<AuditEntry['action'], string> = {
  accept: 'teal',
  promote: 'teal',
  refuse: 'yellow',
  shadow: 'gray',
  rollback: 'red',
  delete: 'red',
  purge: 'red',
};

/** Who let which version serve, when and why; of one registered name, or of all. */
export function TrailPanel({ registeredName }: { registeredName?: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const trail = useInfiniteQuery(trailQuery(registeredName));
  const entries = useMemo(() => trail.data?.pages.flatMap((page) => page.items) ?? [], [trail.data]);
  const columns = useMemo(
    () => columnsOf(t, format, registeredName === undefined),
    [t, format, registeredName],
  );
  return (
    <Card component="section">
      {trail.isPending && <Skeleton height={200} />}
      {trail.isError && <ProblemAlert error={trail.error} onRetry={trail.refetch} />}
      {trail.data && entries.length === 0 && (
        <EmptyState icon={<IconFileText size={26} />} title={t('trail.empty.title')}>
          {t('trail.empty.detail')}
        </EmptyState>
      )}
      {entries.length > 0 && (
        <DataTable
          label={t('models.tab.trail')}
          columns={columns}
          rows={entries}
          rowKey={(entry) => String(entry.id)}
          csv="model-audit"
          testId="trail-table"
        />
      )}
      {trail.hasNextPage && (
        <Center mt="md">
          <Button
            variant="subtle"
            size="xs"
            loading={trail.isFetchingNextPage}
            onClick={() => void trail.fetchNextPage()}
          >
            {t('history.more')}
          </Button>
        </Center>
      )}
    </Card>
  );
}

/** What somebody noted, and what the gate had against it. */
function whyOf(entry: AuditEntry, t: TFunction): string {
  const checks = (entry.verdict?.checks ?? [])
    .filter((check) => !check.passed)
    .map((check) => t(`gate.check.${check.name}` as 'gate.check.calibrated', check.name));
  const against = entry.action === 'refuse' && checks.length > 0;
  return [entry.reason, against ? t('trail.failed', { checks: checks.join('; ') }) : '']
    .filter(Boolean)
    .join('. ');
}

function columnsOf(t: TFunction, format: Format, named: boolean): Column<AuditEntry>[] {
  const name: Column<AuditEntry> = {
    id: 'name',
    header: t('trail.column.name'),
    value: (entry) => entry.registered_name,
  };
  return [
    {
      id: 'at',
      header: t('trail.column.at'),
      value: (entry) => entry.at,
      cell: (entry) => <span className="nowrap">{format.instant(entry.at)}</span>,
    },
    ...(named ? [name] : []),
    {
      id: 'action',
      header: t('trail.column.action'),
      value: (entry) => entry.action,
      cell: (entry) => <Badge color={COLORS[entry.action]}>{t(`trail.action.${entry.action}`)}</Badge>,
    },
    {
      id: 'versions',
      header: t('trail.column.versions'),
      value: (entry) => `${entry.from_version ?? '–'} → ${entry.to_version ?? '–'}`,
      sortable: false,
    },
    { id: 'actor', header: t('trail.column.actor'), value: (entry) => entry.actor, visibleFrom: 'sm' },
    {
      id: 'why',
      header: t('trail.column.why'),
      value: (entry) => whyOf(entry, t),
      cell: (entry) => (
        <Text fz="xs" maw={420}>
          {whyOf(entry, t)}
        </Text>
      ),
      visibleFrom: 'sm',
    },
  ];
}
