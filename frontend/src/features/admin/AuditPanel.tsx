import { Button, Card, Center, Code, Group, Skeleton, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconHistory, IconSearch } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { auditQuery, type AuditedCall } from '@/api/administration';
import { useFormat } from '@/shared/format/useFormat';
import type { Column } from '@/shared/table/columns';
import { DataTable } from '@/shared/table/DataTable';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';
import { StatusBadge } from './StatusBadge';

const route = getRouteApi('/admin');
/** How long one may pause while typing (ms). */
const PAUSE = 350;

/** Every call that changed something or was refused, newest first. */
export function AuditPanel() {
  const { t } = useTranslation();
  const { actor } = route.useSearch();
  const calls = useInfiniteQuery(auditQuery(actor));
  const columns = useColumns();
  const rows = useMemo(() => calls.data?.pages.flatMap((page) => page.items) ?? [], [calls.data]);
  return (
    <Card>
      {calls.isPending && <Skeleton height={240} />}
      {calls.isError && <ProblemAlert error={calls.error} onRetry={calls.refetch} />}
      {calls.data && (
        <DataTable
          label={t('admin.tabs.audit')}
          columns={columns}
          rows={rows}
          rowKey={(call) => String(call.id)}
          csv="audit"
          toolbar={<ActorFilter />}
        />
      )}
      {calls.data && rows.length === 0 && (
        <EmptyState icon={<IconHistory size={26} />} title={t('audit.none.title')}>
          {t(actor ? 'audit.none.ofActor' : 'audit.none.detail')}
        </EmptyState>
      )}
      {calls.hasNextPage && (
        <Center mt="sm">
          <Button
            variant="subtle"
            size="xs"
            loading={calls.isFetchingNextPage}
            onClick={() => {
              void calls.fetchNextPage();
            }}
          >
            {t('history.more')}
          </Button>
        </Center>
      )}
    </Card>
  );
}

/** Asks once the typing pauses. */
function ActorFilter() {
  const { t } = useTranslation();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [text, setText] = useState(search.actor ?? '');
  const apply = useDebouncedCallback((actor: string) => {
    void navigate({ search: (before) => ({ ...before, actor: actor.trim() || undefined }), replace: true });
  }, PAUSE);
  return (
    <Group>
      <TextInput
        aria-label={t('audit.actorFilter')}
        placeholder={t('audit.actorFilter')}
        leftSection={<IconSearch size={16} />}
        size="sm"
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          apply(event.currentTarget.value);
        }}
      />
    </Group>
  );
}

function useColumns(): readonly Column<AuditedCall>[] {
  const { t } = useTranslation();
  const format = useFormat();
  return useMemo(
    () => [
      {
        id: 'at',
        header: t('audit.at'),
        value: (call) => call.at,
        cell: (call) => <span className="nowrap">{format.instant(call.at)}</span>,
      },
      { id: 'actor', header: t('audit.actor'), value: (call) => call.actor },
      {
        id: 'call',
        header: t('audit.call'),
        value: (call) => `${call.method} ${call.path}`,
        cell: (call) => (
          <Code style={{ whiteSpace: 'nowrap' }}>
            {call.method} {call.path}
          </Code>
        ),
      },
      {
        id: 'status',
        header: t('audit.status'),
        value: (call) => call.status,
        cell: (call) => <StatusBadge status={call.status} />,
      },
      { id: 'address', header: t('audit.address'), value: (call) => call.address, visibleFrom: 'md' },
      { id: 'request', header: t('audit.request'), value: (call) => call.request_id, visibleFrom: 'xl' },
    ],
    [t, format],
  );
}
