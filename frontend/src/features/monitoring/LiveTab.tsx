import { SimpleGrid, Stack } from '@mantine/core';
import { useMemo } from 'react';
import { useEventLog } from '@/shared/live/EventLog';
import { LinksPanel } from './LinksPanel';
import { MetricTiles } from './MetricTiles';
import { byService } from './overview';
import { PredictionsFeed } from './PredictionsFeed';
import { QueuesPanel } from './QueuesPanel';
import { scrapeLog } from './scrapeLog';
import { ServicesPanel } from './ServicesPanel';

/** What the services measure, as it is measured. */
export function LiveTab() {
  const held = useEventLog(scrapeLog);
  const scrapes = useMemo(() => byService(held), [held]);
  return (
    <Stack gap="lg">
      <MetricTiles scrapes={scrapes} />
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg" style={{ alignItems: 'start' }}>
        <Stack gap="lg">
          <ServicesPanel scrapes={scrapes} />
          <LinksPanel />
        </Stack>
        <Stack gap="lg">
          <PredictionsFeed />
          <QueuesPanel />
        </Stack>
      </SimpleGrid>
    </Stack>
  );
}
