import { Group, Text } from '@mantine/core';
import { IconClock, IconHistory } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { clockQuery, type Timeline } from '@/api/system';
import { useFormat } from '@/shared/format/useFormat';
import { Hint } from '@/shared/ui/Hint';

/** The replayed timeline as long as there is something to tell of it; else the live one. */
function shown(timelines: readonly Timeline[]): Timeline | undefined {
  return (
    timelines.find(({ state }) => state === 'replaying' || state === 'ended') ??
    timelines.find(({ state }) => state === 'live')
  );
}

/** What time it is on the market: in the demo that is a day in the past, moving session by session. */
export function MarketClock() {
  const { t } = useTranslation();
  const format = useFormat();
  const clock = useQuery(clockQuery());
  const timeline = shown(clock.data ?? []);
  if (!timeline?.session) return null;
  const day = format.session(timeline.session);
  const end = timeline.ends_at ? format.session(timeline.ends_at) : '';
  const Icon = timeline.state === 'live' ? IconClock : IconHistory;
  return (
    <Hint label={t(`clock.${timeline.state}.hint`, { end })}>
      <Group
        gap={6}
        wrap="nowrap"
        tabIndex={0}
        data-testid="market-clock"
        data-session={timeline.session}
        data-state={timeline.state}
      >
        <Icon size={16} aria-hidden style={{ flex: 'none' }} />
        <Text fz="sm" className="nowrap">
          <Text span fz="sm" className="muted">
            {t(`clock.${timeline.state}.label`)}{' '}
          </Text>
          <Text span fz="sm" fw={600}>
            {day}
          </Text>
        </Text>
      </Group>
    </Hint>
  );
}
