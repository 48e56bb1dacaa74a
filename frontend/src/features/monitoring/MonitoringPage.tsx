import { Group, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { live } from '@/api/live';
import { useEventLog } from '@/shared/live/EventLog';
import { useLive, useLiveState } from '@/shared/live/hooks';
import { LiveBadge } from '@/shared/ui/LiveBadge';
import { AlertsPanel } from './AlertsPanel';
import { MetricTiles } from './MetricTiles';
import { byService } from './overview';
import { PredictionsFeed } from './PredictionsFeed';
import { readScrape } from './samples';
import { scrapeLog } from './scrapeLog';
import { ServicesPanel } from './ServicesPanel';

export function MonitoringPage() {
  const { t } = useTranslation();
  useLive(live.metrics, (batch) => {
    scrapeLog.add(batch.events.map(readScrape));
  });
  const state = useLiveState(live.metrics);
  const held = useEventLog(scrapeLog);
  const scrapes = useMemo(() => byService(held), [held]);
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-start">
        <div>
          <Title order={1} fz="h2">
            {t('monitoring.title')}
          </Title>
          <Text className="muted">{t('monitoring.subtitle')}</Text>
        </div>
        <LiveBadge state={state} testId="metrics-live-badge" />
      </Group>
      <MetricTiles scrapes={scrapes} />
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg" style={{ alignItems: 'start' }}>
        <ServicesPanel scrapes={scrapes} />
        <Stack gap="lg">
          <PredictionsFeed />
          <AlertsPanel />
        </Stack>
      </SimpleGrid>
    </Stack>
  );
}
