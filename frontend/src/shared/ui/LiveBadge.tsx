import { Badge } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { LiveState } from '@/shared/live/LiveSocket';
import { Hint } from './Hint';
import classes from './LiveBadge.module.css';

const COLORS: Record<LiveState, string> = {
  live: 'teal',
  connecting: 'gray',
  stale: 'yellow',
  offline: 'red',
};

/** Whether what is on the page is being kept up to date. */
export function LiveBadge({ state, testId = 'live-badge' }: { state: LiveState; testId?: string }) {
  const { t } = useTranslation();
  return (
    <Hint label={t(`live.${state}.hint`)}>
      <Badge
        color={COLORS[state]}
        radius="xl"
        size="lg"
        data-testid={testId}
        data-state={state}
        role="status"
        tabIndex={0}
        leftSection={<span className={classes.dot} data-state={state} />}
      >
        {t(`live.${state}.label`)}
      </Badge>
    </Hint>
  );
}
