import { Button, SimpleGrid, Skeleton, Stack } from '@mantine/core';
import { IconDatabaseImport } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/access';
import { datasetsQuery } from '@/api/datasets';
import { PageHeader } from '@/shared/ui/PageHeader';
import { Panel } from '@/shared/ui/Panel';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';
import { Forecasts } from './Forecasts';
import { Glance } from './Glance';
import classes from './OverviewPage.module.css';
import { RecentAlerts } from './RecentAlerts';
import { useShownList } from './useShownList';
import { WatchlistBar } from './WatchlistBar';

/** The stocks that one follows, and whether the platform is well. */
export function OverviewPage() {
  const { t } = useTranslation();
  const datasets = useQuery(datasetsQuery());
  const { pending } = useShownList();
  const loaded = datasets.data && datasets.data.length > 0;
  return (
    <Stack gap="lg">
      <PageHeader
        title={t('overview.title')}
        subtitle={t('overview.subtitle')}
        actions={datasets.data?.length !== 0 && <WatchlistBar />}
      />
      <Glance />
      <div className={classes.page}>
        <div>
          {(datasets.isPending || pending) && <CardsSkeleton />}
          {datasets.isError && <ProblemAlert error={datasets.error} onRetry={datasets.refetch} />}
          {datasets.data?.length === 0 && <NoData />}
          {loaded && !pending && <Forecasts datasets={datasets.data} />}
        </div>
        <RecentAlerts />
      </div>
    </Stack>
  );
}

function CardsSkeleton() {
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg" data-testid="loading">
      {[0, 1, 2, 3].map((card) => (
        <Skeleton key={card} height={356} radius="lg" />
      ))}
    </SimpleGrid>
  );
}

function NoData() {
  const { t } = useTranslation();
  const allowed = useMay('write');
  return (
    <Panel title={t('dataset.title')}>
      <EmptyState
        icon={<IconDatabaseImport size={26} />}
        title={t('dataset.empty.title')}
        action={
          allowed && (
            <Button
              mt="sm"
              renderRoot={(props) => <Link to="/datasets" search={{ load: 'sample' }} {...props} />}
              data-testid="first-load"
            >
              {t('etl.open')}
            </Button>
          )
        }
      >
        {t(allowed ? 'dataset.empty.detail' : 'dataset.empty.viewer')}
      </EmptyState>
    </Panel>
  );
}
