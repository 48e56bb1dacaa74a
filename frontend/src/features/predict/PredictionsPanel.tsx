import { Button, Center, Checkbox, Group, SegmentedControl, Skeleton } from '@mantine/core';
import { IconHistory } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { predictionsQuery, type PredictionFilters } from '@/api/predictions';
import { Panel } from '@/shared/ui/Panel';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';
import { PredictionsTable } from './PredictionsTable';
import { usePredictSearch } from './usePredictSearch';

const ORIGINS = ['api', 'job', 'replay'] as const;

/** What was predicted before, of the chosen stock or of all, with what became of it. */
export function PredictionsPanel() {
  const { t } = useTranslation();
  const { search } = usePredictSearch();
  const filters: PredictionFilters = {
    exchange: search.ticker ? (search.exchange as PredictionFilters['exchange']) : undefined,
    ticker: search.ticker,
    origin: search.origin,
    settled: search.settled,
  };
  const predictions = useInfiniteQuery(predictionsQuery(filters));
  const rows = useMemo(() => predictions.data?.pages.flatMap((page) => page.items) ?? [], [predictions.data]);
  return (
    <Panel title={t('history.title')} description={t('history.subtitle')}>
      <Filters />
      {predictions.isPending && <Skeleton height={240} />}
      {predictions.isError && <ProblemAlert error={predictions.error} onRetry={predictions.refetch} />}
      {predictions.data && rows.length === 0 && (
        <EmptyState icon={<IconHistory size={26} />} title={t('history.empty.title')}>
          {t('forecasts.nothing')}
        </EmptyState>
      )}
      {rows.length > 0 && <PredictionsTable predictions={rows} />}
      {predictions.hasNextPage && (
        <Center>
          <Button
            variant="subtle"
            size="xs"
            loading={predictions.isFetchingNextPage}
            onClick={() => void predictions.fetchNextPage()}
          >
            {t('history.more')}
          </Button>
        </Center>
      )}
    </Panel>
  );
}

function Filters() {
  const { t } = useTranslation();
  const { search, update } = usePredictSearch();
  return (
    <Group gap="md">
      <SegmentedControl
        size="xs"
        aria-label={t('forecasts.origin')}
        value={search.origin ?? 'any'}
        onChange={(value) => {
          update({ origin: ORIGINS.find((origin) => origin === value) });
        }}
        data={[
          { value: 'any', label: t('forecasts.anyOrigin') },
          ...ORIGINS.map((origin) => ({ value: origin, label: t(`feed.origin.${origin}`) })),
        ]}
      />
      <Checkbox
        size="xs"
        label={t('forecasts.settled')}
        checked={search.settled ?? false}
        onChange={(event) => {
          update({ settled: event.currentTarget.checked ? true : undefined });
        }}
      />
    </Group>
  );
}
