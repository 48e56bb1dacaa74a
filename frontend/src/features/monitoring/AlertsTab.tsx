import { Card, Group, SegmentedControl, Select, Skeleton, Stack } from '@mantine/core';
import { IconBellOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { alertsQuery } from '@/api/alerts';
import { AlertItem } from '@/features/alerts/AlertItem';
import { SEVERITIES } from '@/features/alerts/severity';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';
import { Acknowledge } from './Acknowledge';
import { ALERT_STATES } from './tabs';
import { useMonitoringSearch } from './useMonitoringSearch';

const ALL = 'all';

/** Alerts that hold and that held, to be acknowledged. */
export function AlertsTab() {
  const { t } = useTranslation();
  const { search } = useMonitoringSearch();
  const { state, severity } = search;
  const alerts = useQuery(alertsQuery({ state, severity }));
  return (
    <Stack gap="md" data-testid="alerts">
      <Filters />
      {alerts.isPending && <Skeleton height={240} radius="lg" />}
      {alerts.isError && <ProblemAlert error={alerts.error} onRetry={alerts.refetch} />}
      {alerts.data && (
        <Card>
          {alerts.data.length === 0 && (
            <EmptyState icon={<IconBellOff size={26} />} title={t('alerts.empty.title')}>
              {t(state || severity ? 'alerts.empty.filtered' : 'alerts.empty.detail')}
            </EmptyState>
          )}
          {alerts.data.map((alert) => (
            <AlertItem key={alert.alert_id} alert={alert} action={<Acknowledge alert={alert} />} />
          ))}
        </Card>
      )}
    </Stack>
  );
}

function Filters() {
  const { t } = useTranslation();
  const { search, update } = useMonitoringSearch();
  return (
    <Group gap="sm">
      <SegmentedControl
        aria-label={t('alerts.filterState')}
        value={search.state ?? ALL}
        onChange={(value) => {
          update({ state: ALERT_STATES.find((item) => item === value) });
        }}
        data={[
          { value: ALL, label: t('alerts.state.all') },
          ...ALERT_STATES.map((value) => ({ value, label: t(`alerts.state.${value}`) })),
        ]}
      />
      <Select
        aria-label={t('alerts.filterSeverity')}
        value={search.severity ?? ALL}
        onChange={(value) => {
          update({ severity: SEVERITIES.find((item) => item === value) });
        }}
        data={[
          { value: ALL, label: t('alerts.anySeverity') },
          ...SEVERITIES.map((value) => ({ value, label: t(`alerts.severity.${value}`) })),
        ]}
        w={170}
      />
    </Group>
  );
}
