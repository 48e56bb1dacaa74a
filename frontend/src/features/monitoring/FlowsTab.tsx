import { Badge, Button, Card, Skeleton, Stack, Text } from '@mantine/core';
import { IconCalendarOff, IconPlayerPlay } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/access';
import { flowsQuery, useStartFlow, type Flow } from '@/api/flows';
import { useApiText } from '@/i18n/useApiText';
import { useFormat } from '@/shared/format/useFormat';
import { actionColumn, type Column } from '@/shared/table/columns';
import { DataTable } from '@/shared/table/DataTable';
import { NotAllowed } from '@/shared/ui/NotAllowed';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';

/** What runs by itself, when it did and will, and a way to start it now. */
export function FlowsTab() {
  const { t } = useTranslation();
  const flows = useQuery(flowsQuery());
  const columns = useColumns();
  const allowed = useMay('write');
  if (flows.isPending) return <Skeleton height={240} radius="lg" />;
  if (flows.isError) return <ProblemAlert error={flows.error} onRetry={flows.refetch} />;
  return (
    <Card data-testid="flows">
      {flows.data.length === 0 ? (
        <EmptyState icon={<IconCalendarOff size={26} />} title={t('flows.none.title')}>
          {t('flows.none.detail')}
        </EmptyState>
      ) : (
        <DataTable
          label={t('monitoring.tabs.flows')}
          columns={columns}
          rows={flows.data}
          rowKey={(flow) => flow.name}
          toolbar={allowed ? undefined : <NotAllowed when />}
        />
      )}
    </Card>
  );
}

const COLORS = { completed: 'teal', failed: 'red', running: 'indigo', pending: 'gray', cancelled: 'gray' };

function useColumns(): readonly Column<Flow>[] {
  const { t } = useTranslation();
  const say = useApiText();
  const format = useFormat();
  return useMemo((): readonly Column<Flow>[] => {
    const instant = (at: string | null) => (at ? <span className="nowrap">{format.instant(at)}</span> : '–');
    return [
      {
        id: 'name',
        header: t('flows.name'),
        value: (flow) => flow.name,
        cell: (flow) => (
          <>
            <Text fz="sm" fw={600}>
              {flow.name}
            </Text>
            <Text fz="xs" className="muted" maw={420}>
              {say(`flow.${flow.name}`, flow.description)}
            </Text>
          </>
        ),
      },
      {
        id: 'schedule',
        header: t('flows.schedule'),
        value: (flow) => flow.schedules.join('; '),
        cell: (flow) => flow.schedules.join('; ') || t('flows.byHand'),
        visibleFrom: 'md',
      },
      {
        id: 'state',
        header: t('flows.last'),
        value: (flow) => flow.last_run_at,
        cell: (flow) =>
          flow.last_run_state ? (
            <Badge color={COLORS[flow.last_run_state]}>{t(`etl.state.${flow.last_run_state}`)}</Badge>
          ) : (
            '–'
          ),
      },
      {
        id: 'at',
        header: t('flows.lastAt'),
        value: (flow) => flow.last_run_at,
        cell: (flow) => instant(flow.last_run_at),
        visibleFrom: 'sm',
      },
      {
        id: 'next',
        header: t('flows.next'),
        value: (flow) => flow.next_run_at,
        cell: (flow) => instant(flow.next_run_at),
        visibleFrom: 'lg',
      },
      actionColumn((flow) => flow.startable && <StartFlow name={flow.name} />),
    ];
  }, [t, say, format]);
}

function StartFlow({ name }: { name: string }) {
  const { t } = useTranslation();
  const allowed = useMay('write');
  const start = useStartFlow();
  return (
    <Stack gap={4} align="flex-end">
      <Button
        size="compact-sm"
        variant="light"
        leftSection={<IconPlayerPlay size={14} />}
        disabled={!allowed}
        loading={start.isPending}
        aria-label={t('flows.startOf', { name })}
        onClick={() => {
          start.mutate(name);
        }}
      >
        {t('flows.start')}
      </Button>
      {start.isError && <ProblemAlert error={start.error} />}
    </Stack>
  );
}
