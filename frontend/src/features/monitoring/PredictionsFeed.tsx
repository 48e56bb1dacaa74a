import { Badge, Group, Stack, Text } from '@mantine/core';
import { IconBroadcast } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { PredictionEvent } from '@/api/events';
import { live, logs } from '@/api/live';
import { StockLink } from '@/features/forecast/StockLink';
import { useFormat } from '@/shared/format/useFormat';
import { useEventLog } from '@/shared/live/EventLog';
import { useLiveState } from '@/shared/live/hooks';
import { Change } from '@/shared/ui/Change';
import { LiveBadge } from '@/shared/ui/LiveBadge';
import { Panel } from '@/shared/ui/Panel';
import { EmptyState } from '@/shared/ui/States';
import classes from './Feed.module.css';

const SHOWN = 30;

/** Predictions as they are made. */
export function PredictionsFeed() {
  const { t } = useTranslation();
  const predictions = useEventLog(logs.predictions);
  const state = useLiveState(live.predictions);
  return (
    <Panel
      title={t('feed.title')}
      description={t('feed.subtitle')}
      aside={<LiveBadge state={state} testId="feed-live-badge" />}
      data-testid="predictions-feed"
    >
      {predictions.length === 0 ? (
        <EmptyState icon={<IconBroadcast size={26} />} title={t('feed.empty.title')}>
          {t('feed.empty.detail')}
        </EmptyState>
      ) : (
        <Stack gap={0} className={classes.feed}>
          {predictions.slice(0, SHOWN).map((event) => (
            <FeedItem key={event.prediction_id} event={event} />
          ))}
        </Stack>
      )}
    </Panel>
  );
}

function FeedItem({ event }: { event: PredictionEvent }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <div className={`${classes.item} arrived`} data-testid="feed-item">
      <Group justify="space-between" wrap="nowrap" gap="sm">
        <Group gap="xs" wrap="nowrap" miw={0}>
          <StockLink instrument={event} />
          <Text fz="xs" className="muted nowrap">
            {t('feed.target', { day: format.sessionShort(event.target_session) })}
          </Text>
          <Badge color="gray" size="sm" visibleFrom="xs">
            {t(`feed.origin.${event.origin ?? 'api'}`)}
          </Badge>
        </Group>
        <Group gap="sm" wrap="nowrap">
          <Text fz="sm" fw={600}>
            {format.price(event.predicted_close)}
          </Text>
          <Text fz="xs" component="span">
            <Change share={event.predicted_close / event.last_close - 1} size={12} />
          </Text>
          <Text component="time" dateTime={event.made_at} fz="xs" className="muted nowrap" visibleFrom="xs">
            {format.timeOfDay(event.made_at)}
          </Text>
        </Group>
      </Group>
    </div>
  );
}
