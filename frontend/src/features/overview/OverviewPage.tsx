import { Button, Code, Group, SimpleGrid, Skeleton, Stack, Text, Title } from '@mantine/core';
import { IconDatabaseImport } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { datasetsQuery, type Dataset } from '@/api/datasets';
import { Panel } from '@/shared/ui/Panel';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';
import { DatasetsTable } from './DatasetsTable';
import { ForecastCard } from './ForecastCard';

/** Cards shown at first; every card asks for its forecast and its last closes. */
const FIRST_CARDS = 12;

export function OverviewPage() {
  const { t } = useTranslation();
  const datasets = useQuery(datasetsQuery());
  return (
    <Stack gap="lg">
      <div>
        <Title order={1} fz="h2">
          {t('overview.title')}
        </Title>
        <Text className="muted">{t('overview.subtitle')}</Text>
      </div>
      {datasets.isPending && <CardsSkeleton />}
      {datasets.isError && <ProblemAlert error={datasets.error} onRetry={datasets.refetch} />}
      {datasets.data?.length === 0 && <NoData />}
      {datasets.data && datasets.data.length > 0 && <Loaded datasets={datasets.data} />}
    </Stack>
  );
}

function Loaded({ datasets }: { datasets: readonly Dataset[] }) {
  const { t } = useTranslation();
  const [all, setAll] = useState(false);
  const shown = all ? datasets : datasets.slice(0, FIRST_CARDS);
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="lg">
        {shown.map((dataset) => (
          <ForecastCard key={`${dataset.exchange}:${dataset.ticker}`} dataset={dataset} />
        ))}
      </SimpleGrid>
      {shown.length < datasets.length && (
        <Group justify="center">
          <Button
            variant="default"
            onClick={() => {
              setAll(true);
            }}
          >
            {t('overview.showAll', { count: datasets.length })}
          </Button>
        </Group>
      )}
      <Panel title={t('dataset.title')} description={t('dataset.subtitle')}>
        <DatasetsTable datasets={datasets} />
      </Panel>
    </>
  );
}

function CardsSkeleton() {
  return (
    <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="lg" data-testid="loading">
      {[0, 1, 2].map((card) => (
        <Skeleton key={card} height={290} radius="lg" />
      ))}
    </SimpleGrid>
  );
}

function NoData() {
  const { t } = useTranslation();
  return (
    <Panel title={t('dataset.title')}>
      <EmptyState icon={<IconDatabaseImport size={26} />} title={t('overview.empty.title')}>
        <Stack gap="xs">
          <Text fz="sm">{t('overview.empty.sample')}</Text>
          <Code block>stock-mlops etl --source sample</Code>
          <Text fz="sm">{t('overview.empty.file')}</Text>
          <Code block>stock-mlops etl --source file prices.csv --ticker X --exchange US</Code>
        </Stack>
      </EmptyState>
    </Panel>
  );
}
