import { Button, Card, Chip, Group, Skeleton, Stack, TextInput } from '@mantine/core';
import { IconDatabaseImport, IconFilterOff, IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/access';
import { datasetsQuery, type Dataset } from '@/api/datasets';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';
import { DatasetsTable } from './DatasetsTable';
import { useDatasetsSearch } from './useDatasetsSearch';

const SKELETONS = [0, 1, 2, 3, 4];

/** The tickers in the warehouse, to be searched, sorted and opened. */
export function LoadedPanel() {
  const datasets = useQuery(datasetsQuery());
  if (datasets.isPending) {
    return (
      <Card data-testid="loading">
        <Stack gap="xs">
          {SKELETONS.map((row) => (
            <Skeleton key={row} height={36} />
          ))}
        </Stack>
      </Card>
    );
  }
  if (datasets.isError) return <ProblemAlert error={datasets.error} onRetry={datasets.refetch} />;
  return <Card>{datasets.data.length === 0 ? <NoData /> : <Found datasets={datasets.data} />}</Card>;
}

function Found({ datasets }: { datasets: readonly Dataset[] }) {
  const { t } = useTranslation();
  const { search, update } = useDatasetsSearch();
  const words = search.q?.toLowerCase().trim() ?? '';
  const rows = useMemo(
    () =>
      datasets.filter(
        (item) =>
          `${item.exchange}:${item.ticker} ${item.name}`.toLowerCase().includes(words) &&
          (!search.stale || !item.fresh),
      ),
    [datasets, words, search.stale],
  );
  return (
    <>
      <Group mb="sm" gap="sm">
        <TextInput
          aria-label={t('dataset.find')}
          placeholder={t('dataset.find')}
          leftSection={<IconSearch size={16} />}
          size="sm"
          flex="0 1 280px"
          value={search.q ?? ''}
          onChange={(event) => {
            update({ q: event.currentTarget.value || undefined });
          }}
        />
        <Chip
          size="sm"
          variant="light"
          checked={search.stale === true}
          onChange={(checked) => {
            update({ stale: checked || undefined });
          }}
        >
          {t('dataset.onlyStale')}
        </Chip>
      </Group>
      {rows.length === 0 ? <NothingFound /> : <DatasetsTable datasets={rows} />}
    </>
  );
}

function NothingFound() {
  const { t } = useTranslation();
  const { update } = useDatasetsSearch();
  return (
    <EmptyState
      icon={<IconFilterOff size={26} />}
      title={t('dataset.nothing.title')}
      action={
        <Button
          mt="sm"
          variant="default"
          size="xs"
          onClick={() => {
            update({ q: undefined, stale: undefined });
          }}
        >
          {t('dataset.nothing.clear')}
        </Button>
      }
    >
      {t('dataset.nothing.detail')}
    </EmptyState>
  );
}

function NoData() {
  const { t } = useTranslation();
  const { update } = useDatasetsSearch();
  const allowed = useMay('write');
  return (
    <EmptyState
      icon={<IconDatabaseImport size={26} />}
      title={t('dataset.empty.title')}
      action={
        allowed && (
          <Button
            mt="sm"
            onClick={() => {
              update({ load: 'sample' }, { replace: false });
            }}
          >
            {t('etl.open')}
          </Button>
        )
      }
    >
      {t(allowed ? 'dataset.empty.detail' : 'dataset.empty.viewer')}
    </EmptyState>
  );
}
