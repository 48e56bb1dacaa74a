import { Badge, Group, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Alert } from '@/api/alerts';
import { useFormat } from '@/shared/format/useFormat';
import { useNow } from '@/shared/useNow';
import classes from './AlertItem.module.css';
import { SEVERITY_COLORS } from './severity';
import { useAlertText } from './useAlertText';

/** One alert: how bad, what, since when, and who has seen to it. */
export function AlertItem({ alert, action }: { alert: Alert; action?: ReactNode }) {
  const { t } = useTranslation();
  const format = useFormat();
  const now = useNow();
  const { title, detail } = useAlertText(alert);
  return (
    <div className={classes.item} data-testid="alert" data-state={alert.state}>
      <Group justify="space-between" wrap="nowrap" gap="sm">
        <Group gap={6}>
          <Badge color={SEVERITY_COLORS[alert.severity]}>{t(`alerts.severity.${alert.severity}`)}</Badge>
          {alert.state === 'resolved' && <Badge color="gray">{t('alerts.state.resolved')}</Badge>}
          {alert.acknowledged_at && <Badge color="teal">{t('alerts.acknowledged')}</Badge>}
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
      <Group justify="space-between" wrap="nowrap" align="flex-start" gap="sm" mt={4}>
        <div style={{ minWidth: 0 }}>
          <Text fz="sm" fw={600}>
            {title}
          </Text>
          <Text fz="sm" className="muted" style={{ overflowWrap: 'anywhere' }} title={alert.detail}>
            {detail}
          </Text>
          {alert.acknowledged_by && (
            <Text fz="xs" className="muted">
              {t('alerts.by', { name: alert.acknowledged_by })}
              {alert.comment && `: ${alert.comment}`}
            </Text>
          )}
        </div>
        {action}
      </Group>
    </div>
  );
}
