import { Button, Card, Skeleton, Stack } from '@mantine/core';
import { IconHistoryToggle, IconPlus } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/access';
import { simulationsQuery } from '@/api/simulations';
import { MoreButton } from '@/shared/ui/MoreButton';
import { PageHeader } from '@/shared/ui/PageHeader';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';
import { NewSimulation } from './NewSimulation';
import { SimulationsTable } from './SimulationsTable';

const route = getRouteApi('/simulations');

/** The time machine: how the platform would have behaved over years that have passed. */
export function SimulationsPage() {
  const { t } = useTranslation();
  const { start } = route.useSearch();
  const simulations = useInfiniteQuery(simulationsQuery());
  const rows = useMemo(() => simulations.data?.pages.flatMap((page) => page.items), [simulations.data]);
  return (
    <Stack gap="lg">
      <PageHeader
        title={t('simulation.title')}
        subtitle={t('simulation.subtitle')}
        actions={<StartButton primary={rows?.length !== 0} />}
      />
      {start && <NewSimulation />}
      <Card component="section">
        {simulations.isPending && <Skeleton height={280} />}
        {simulations.isError && <ProblemAlert error={simulations.error} onRetry={simulations.refetch} />}
        {rows?.length === 0 && <NoSimulations />}
        {rows && rows.length > 0 && <SimulationsTable simulations={rows} />}
        <MoreButton
          label={t('history.more')}
          hidden={!simulations.hasNextPage}
          loading={simulations.isFetchingNextPage}
          onMore={() => void simulations.fetchNextPage()}
        />
      </Card>
    </Stack>
  );
}

function StartButton({ primary }: { primary: boolean }) {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const { start } = route.useSearch();
  const allowed = useMay('write');
  if (start) return null;
  return (
    <Button
      leftSection={<IconPlus size={16} />}
      variant={primary ? undefined : 'default'}
      disabled={!allowed}
      title={allowed ? undefined : t('access.operatorsOnly')}
      onClick={() => {
        void navigate({ search: (before) => ({ ...before, start: true }) });
      }}
      data-testid="new-simulation"
    >
      {t('simulation.new')}
    </Button>
  );
}

function NoSimulations() {
  const { t } = useTranslation();
  return (
    <EmptyState icon={<IconHistoryToggle size={26} />} title={t('simulation.none.title')}>
      {t('simulation.none.detail')}
    </EmptyState>
  );
}
