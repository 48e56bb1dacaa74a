import { Badge, Group, Stack, Text } from '@mantine/core';
import { IconBellOff } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { AlertEvent } from '@/api/events';
import { logs } from '@/api/live';
import { useFormat } from '@/shared/format/useFormat';
import { useEventLog } from '@/shared/live/EventLog';
import { Panel } from '@/shared/ui/Panel';
import { EmptyState } from '@/shared/ui/States';
import { useNow } from '@/shared/useNow';
import classes from './Feed.module.css';

const SHOWN = 20;
const COLORS: Record<AlertEvent['severity'], string> = { info: 'blue', warning: 'yellow', critical: 'red' };

/** What the detectors raised lately. */
export function AlertsPanel() {
  const { t } = useTranslation();
  const alerts = useEventLog(logs.alerts);
  return (
    <Panel title={t('alerts.title')} description={t('alerts.subtitle')} data-testid="alerts">
      {alerts.length === 0 ? (
        <EmptyState icon={<IconBellOff size={26} />} title={t('alerts.empty.title')}>
          {t('alerts.empty.detail')}
        </EmptyState>
      ) : (
        <Stack gap={0} className={classes.feed}>
          {alerts.slice(0, SHOWN).map((alert) => (
            <AlertItem key={alert.alert_id} alert={alert} />
          ))}
        </Stack>
      )}
    </Panel>
  );
}

function AlertItem({ alert }: { alert: AlertEvent }) {
  const { t } = useTranslation();
  const format = useFormat();
  const now = useNow();
  return (
    <div className={`${classes.item} arrived`} data-testid="alert">
      <Group justify="space-between" wrap="nowrap" gap="sm">
        <Group gap="xs" wrap="nowrap" miw={0}>
          <Badge color={COLORS[alert.severity]} flex="none">
            {t(`alerts.severity.${alert.severity}`)}
          </Badge>
          <Text fz="sm" fw={600} truncate>
            {alert.title}
          </Text>
        </Group>
        <Text
          component="time"
          dateTime={alert.raised_at}
          title={format.instant(alert.raised_at)}
          fz="xs"
          className="muted nowrap"
        >
          {format.ago(alert.raised_at, now)}
        </Text>
      </Group>
      <Text fz="sm" className="muted" mt={4}>
        {alert.detail}
      </Text>
    </div>
  );
}
