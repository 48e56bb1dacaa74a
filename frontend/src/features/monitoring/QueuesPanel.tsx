import { Badge, Skeleton, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { queuesQuery, type QueueState } from '@/api/system';
import { useFormat } from '@/shared/format/useFormat';
import { Panel } from '@/shared/ui/Panel';
import { ScrollTable } from '@/shared/ui/ScrollTable';
import { ProblemAlert } from '@/shared/ui/States';

/** Long jobs that wait and run, and the workers that take them. */
export function QueuesPanel() {
  const { t } = useTranslation();
  const queues = useQuery(queuesQuery());
  return (
    <Panel title={t('queues.title')} description={t('queues.subtitle')} data-testid="queues">
      {queues.isPending && <Skeleton height={90} />}
      {queues.isError && <ProblemAlert error={queues.error} onRetry={queues.refetch} />}
      {queues.data && (
        <ScrollTable label={t('queues.title')} fz="sm" verticalSpacing={8} horizontalSpacing="xs">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('queues.name')}</Table.Th>
              <Table.Th ta="right">{t('queues.pending')}</Table.Th>
              <Table.Th ta="right">{t('queues.running')}</Table.Th>
              <Table.Th>{t('queues.workers')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {queues.data.map((queue) => (
              <QueueRow key={queue.name} queue={queue} />
            ))}
          </Table.Tbody>
        </ScrollTable>
      )}
    </Panel>
  );
}

function QueueRow({ queue }: { queue: QueueState }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Table.Tr data-testid={`queue-${queue.name}`}>
      <Table.Td fw={600}>{queue.name}</Table.Td>
      <Table.Td ta="right">{format.integer(queue.pending)}</Table.Td>
      <Table.Td ta="right">{format.integer(queue.running)}</Table.Td>
      <Table.Td>
        {queue.workers.length === 0 ? (
          <Badge color="red">{t('queues.none')}</Badge>
        ) : (
          <Text fz="xs" className="muted" style={{ overflowWrap: 'anywhere' }}>
            {queue.workers.join(', ')}
          </Text>
        )}
      </Table.Td>
    </Table.Tr>
  );
}
