import { Badge, Stack, Tabs } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { live } from '@/api/live';
import { useOpenAlerts } from '@/features/alerts/useOpenAlerts';
import { useLive, useLiveState } from '@/shared/live/hooks';
import { LiveBadge } from '@/shared/ui/LiveBadge';
import { PageHeader } from '@/shared/ui/PageHeader';
import { AlertsTab } from './AlertsTab';
import { FlowsTab } from './FlowsTab';
import { LiveTab } from './LiveTab';
import { QualityTab } from './QualityTab';
import { readScrape } from './samples';
import { scrapeLog } from './scrapeLog';
import { MONITORING_TABS, type MonitoringTab } from './tabs';
import { useMonitoringSearch } from './useMonitoringSearch';

const PANELS: Record<MonitoringTab, () => React.JSX.Element> = {
  live: LiveTab,
  alerts: AlertsTab,
  quality: QualityTab,
  flows: FlowsTab,
};

/** Whether the platform is well, its forecasts are as good as they were, and its schedules run. */
export function MonitoringPage() {
  const { t } = useTranslation();
  // Here and not in its tab, so that its history has no hole when one comes back from another.
  useLive(live.metrics, (batch) => {
    scrapeLog.add(batch.events.map(readScrape));
  });
  const state = useLiveState(live.metrics);
  const { search, update } = useMonitoringSearch();
  const openAlerts = useOpenAlertsBadge();
  return (
    <Stack gap="lg">
      <PageHeader
        title={t('monitoring.title')}
        subtitle={t('monitoring.subtitle')}
        actions={<LiveBadge state={state} testId="metrics-live-badge" />}
      />
      <Tabs
        value={search.tab ?? MONITORING_TABS[0]}
        keepMounted={false}
        onChange={(value) => {
          const tab = MONITORING_TABS.find((item) => item === value);
          update({ tab: tab === MONITORING_TABS[0] ? undefined : tab });
        }}
      >
        <Tabs.List mb="lg">
          {MONITORING_TABS.map((tab) => (
            <Tabs.Tab key={tab} value={tab} rightSection={tab === 'alerts' ? openAlerts : undefined}>
              {t(`monitoring.tabs.${tab}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {MONITORING_TABS.map((tab) => {
          const Shown = PANELS[tab];
          return (
            <Tabs.Panel key={tab} value={tab}>
              <Shown />
            </Tabs.Panel>
          );
        })}
      </Tabs>
    </Stack>
  );
}

/** Their number, as a badge; nothing where there are none. */
function useOpenAlertsBadge() {
  const { data } = useOpenAlerts();
  if (!data || data.length === 0) return undefined;
  return (
    <Badge size="sm" color="red" data-testid="open-alerts">
      {data.length}
    </Badge>
  );
}
