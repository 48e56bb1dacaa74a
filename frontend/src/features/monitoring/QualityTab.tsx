import { Button, Card, Skeleton, Stack, Text } from '@mantine/core';
import { IconChartDots } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { monitoredQuery } from '@/api/monitoring';
import { instrumentFromKey } from '@/shared/instrument';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';
import { MonitoredTable } from './MonitoredTable';
import { ReportsPanel } from './ReportsPanel';
import { SeriesPanel } from './SeriesPanel';
import { useMonitoringSearch } from './useMonitoringSearch';

/** Whether forecasts and the data behind them are as good as they were: drift, errors, coverage, parity, quality. */
export function QualityTab() {
  const { search, update } = useMonitoringSearch();
  return (
    <Stack gap="lg">
      <Newest />
      {search.of !== undefined && (
        <SeriesPanel
          key={search.of}
          instrument={instrumentFromKey(search.of)}
          onClose={() => {
            update({ of: undefined });
          }}
        />
      )}
      <ReportsPanel />
    </Stack>
  );
}

function Newest() {
  const { t } = useTranslation();
  const monitored = useQuery(monitoredQuery());
  if (monitored.isPending) return <Skeleton height={240} radius="lg" />;
  if (monitored.isError) return <ProblemAlert error={monitored.error} onRetry={monitored.refetch} />;
  if (monitored.data.length === 0) {
    return (
      <Card>
        <EmptyState
          icon={<IconChartDots size={26} />}
          title={t('forecastQuality.none.title')}
          action={<ToFlows />}
        >
          {t('forecastQuality.none.detail')}
        </EmptyState>
      </Card>
    );
  }
  return (
    <Card>
      <Text fz="sm" className="muted" mb="sm">
        {t('forecastQuality.about')}
      </Text>
      <MonitoredTable rows={monitored.data} />
    </Card>
  );
}

function ToFlows() {
  const { t } = useTranslation();
  const { update } = useMonitoringSearch();
  return (
    <Button
      mt="sm"
      size="xs"
      variant="default"
      onClick={() => {
        update({ tab: 'flows' });
      }}
    >
      {t('monitoring.tabs.flows')}
    </Button>
  );
}
