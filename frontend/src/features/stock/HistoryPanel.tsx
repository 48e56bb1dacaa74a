import { Button, Center, Skeleton, Table, Text } from '@mantine/core';
import { IconHistory } from '@tabler/icons-react';
import type { UseQueryResult } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Prediction } from '@/api/predictions';
import { ModelBadge } from '@/features/forecast/ModelBadge';
import { isInside } from '@/features/forecast/outcome';
import { useFormat } from '@/shared/format/useFormat';
import { Panel } from '@/shared/ui/Panel';
import { ScrollTable } from '@/shared/ui/ScrollTable';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';

const PAGE = 10;

/** Every prediction of the instrument against what happened, newest first. */
export function HistoryPanel({ history }: { history: UseQueryResult<Prediction[]> }) {
  const { t } = useTranslation();
  const [shown, setShown] = useState(PAGE);
  const items = history.data ?? [];
  return (
    <Panel title={t('history.title')} description={t('history.subtitle')}>
      {history.isPending && <Skeleton height={200} />}
      {history.isError && <ProblemAlert error={history.error} onRetry={history.refetch} />}
      {history.data?.length === 0 && (
        <EmptyState icon={<IconHistory size={26} />} title={t('history.empty.title')}>
          {t('history.empty.detail')}
        </EmptyState>
      )}
      {items.length > 0 && <HistoryTable items={items.slice(0, shown)} />}
      {items.length > shown && (
        <Center>
          <Button
            variant="subtle"
            size="xs"
            onClick={() => {
              setShown(shown + 4 * PAGE);
            }}
          >
            {t('history.more')}
          </Button>
        </Center>
      )}
    </Panel>
  );
}

function HistoryTable({ items }: { items: readonly Prediction[] }) {
  const { t } = useTranslation();
  return (
    <ScrollTable
      label={t('history.title')}
      fz="sm"
      verticalSpacing={8}
      horizontalSpacing="xs"
      data-testid="prediction-history"
    >
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('history.target')}</Table.Th>
          <Table.Th ta="right">{t('history.predicted')}</Table.Th>
          <Table.Th ta="right" visibleFrom="sm">
            {t('history.interval')}
          </Table.Th>
          <Table.Th ta="right">{t('history.actual')}</Table.Th>
          <Table.Th ta="right">{t('history.error')}</Table.Th>
          <Table.Th visibleFrom="sm">{t('history.model')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {items.map((item) => (
          <HistoryRow key={item.prediction_id} item={item} />
        ))}
      </Table.Tbody>
    </ScrollTable>
  );
}

function HistoryRow({ item }: { item: Prediction }) {
  const { t } = useTranslation();
  const format = useFormat();
  const actual = item.actual_close;
  return (
    <Table.Tr data-settled={actual != null}>
      <Table.Td className="nowrap">
        {format.session(item.target_session)}
        <Text fz="xs" className="muted">
          {t('history.from', { day: format.sessionShort(item.as_of), count: item.horizon })}
        </Text>
      </Table.Td>
      <Table.Td ta="right" fw={600}>
        {format.price(item.predicted_close)}
      </Table.Td>
      <Table.Td ta="right" className="nowrap muted" visibleFrom="sm">
        {item.lower != null && item.upper != null
          ? `${format.price(item.lower)} – ${format.price(item.upper)}`
          : '–'}
      </Table.Td>
      <Table.Td ta="right">
        {actual == null ? <span className="muted">{t('history.open')}</span> : format.price(actual)}
        {actual != null && item.lower != null && (
          <Text fz="xs" className="muted">
            {t(isInside(item, actual) ? 'history.inside' : 'history.outside')}
          </Text>
        )}
      </Table.Td>
      <Table.Td ta="right">{item.error_pct == null ? '' : format.change(item.error_pct)}</Table.Td>
      <Table.Td visibleFrom="sm">
        <ModelBadge prediction={item} short />
      </Table.Td>
    </Table.Tr>
  );
}
