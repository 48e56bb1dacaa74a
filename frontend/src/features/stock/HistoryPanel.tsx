import { SegmentedControl, Skeleton } from '@mantine/core';
import { IconHistory } from '@tabler/icons-react';
import type { UseQueryResult } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Prediction } from '@/api/predictions';
import { Panel } from '@/shared/ui/Panel';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';
import { filterSettled, SETTLED_FILTERS } from './historyFilter';
import { HistoryTable } from './HistoryTable';
import { useStockSearch } from './useStock';

const ALL = 'all';

/** Every prediction of the instrument against what happened, newest first. */
export function HistoryPanel({ history }: { history: UseQueryResult<Prediction[]> }) {
  const { t } = useTranslation();
  const { search } = useStockSearch();
  const items = useMemo(
    () => filterSettled(history.data ?? [], search.settled),
    [history.data, search.settled],
  );
  return (
    <Panel title={t('history.title')} description={t('history.subtitle')}>
      <SettledSelect />
      {history.isPending && <Skeleton height={200} />}
      {history.isError && <ProblemAlert error={history.error} onRetry={history.refetch} />}
      {history.data && items.length === 0 && (
        <EmptyState icon={<IconHistory size={26} />} title={t('history.empty.title')}>
          {t(history.data.length === 0 ? 'history.empty.detail' : 'history.empty.filtered')}
        </EmptyState>
      )}
      {items.length > 0 && <HistoryTable items={items} />}
    </Panel>
  );
}

function SettledSelect() {
  const { t } = useTranslation();
  const { search, update } = useStockSearch();
  return (
    <SegmentedControl
      size="xs"
      w="fit-content"
      aria-label={t('history.filter')}
      value={search.settled ?? ALL}
      onChange={(value) => {
        update({ settled: SETTLED_FILTERS.find((filter) => filter === value) });
      }}
      data={[ALL, ...SETTLED_FILTERS].map((value) => ({
        value,
        label: t(`history.show.${value as typeof ALL}`),
      }))}
    />
  );
}
