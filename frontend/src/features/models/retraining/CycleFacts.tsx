import { Group, Progress, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Retraining } from '@/api/retraining';
import { useFormat } from '@/shared/format/useFormat';
import { Metric } from '@/shared/ui/Metric';
import { watchLength } from './cycle';

/** Which versions a retraining is about, and since when. */
export function CycleFacts({ retraining }: { retraining: Retraining }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { champion, challenger, session, since, created_at, ended_at } = retraining;
  return (
    <Group gap="xl">
      <Metric label={t('retraining.champion')}>{t('model.version', { version: champion })}</Metric>
      <Metric label={t('retraining.challenger')}>
        {challenger === null ? t('retraining.notTrained') : t('model.version', { version: challenger })}
      </Metric>
      <Metric label={t('retraining.began')} hint={format.instant(created_at)}>
        {format.session(session)}
      </Metric>
      {since && !ended_at && <Metric label={t('retraining.since')}>{format.session(since)}</Metric>}
      {ended_at && <Metric label={t('retraining.ended')}>{format.instant(ended_at)}</Metric>}
    </Group>
  );
}

/** How many sessions of the shadow or the probation have closed; nothing in other states. */
export function WatchProgress({ retraining, watched }: { retraining: Retraining; watched: number | null }) {
  const { t } = useTranslation();
  const length = watchLength(retraining);
  if (length === null || watched === null) return null;
  const done = Math.min(watched, length);
  const words = t('retraining.watched', { done, count: length });
  return (
    <Stack gap={6} data-testid="watch-progress" data-done={done}>
      <Text fz="sm" aria-live="polite">
        {words}
      </Text>
      <Progress value={length === 0 ? 100 : (done / length) * 100} aria-label={words} />
    </Stack>
  );
}
