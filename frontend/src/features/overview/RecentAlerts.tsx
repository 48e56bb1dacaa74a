import { Anchor, Skeleton, Stack } from '@mantine/core';
import { IconBellOff } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { AlertItem } from '@/features/alerts/AlertItem';
import { useOpenAlerts } from '@/features/alerts/useOpenAlerts';
import { Panel } from '@/shared/ui/Panel';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';

const SHOWN = 6;

/** What holds and should not, the newest first. */
export function RecentAlerts() {
  const { t } = useTranslation();
  const alerts = useOpenAlerts();
  return (
    <Panel
      title={t('alerts.title')}
      aside={
        <Anchor
          fz="sm"
          renderRoot={(props) => <Link to="/monitoring" search={{ tab: 'alerts' }} {...props} />}
        >
          {t('alerts.all')}
        </Anchor>
      }
      data-testid="recent-alerts"
    >
      {alerts.isPending && <Skeleton height={160} />}
      {alerts.isError && <ProblemAlert error={alerts.error} onRetry={alerts.refetch} />}
      {alerts.data?.length === 0 && (
        <EmptyState icon={<IconBellOff size={26} />} title={t('alerts.empty.title')}>
          {t('alerts.empty.detail')}
        </EmptyState>
      )}
      <Stack gap={0}>
        {alerts.data?.slice(0, SHOWN).map((alert) => (
          <AlertItem key={alert.alert_id} alert={alert} />
        ))}
      </Stack>
    </Panel>
  );
}
