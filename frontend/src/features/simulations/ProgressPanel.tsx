import { Alert, Group, Progress, SimpleGrid, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconPlayerPause } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { isAtWork, type Simulation } from '@/api/simulations';
import { useApiSentence } from '@/i18n/sentences';
import { useApiText } from '@/i18n/useApiText';
import { useFormat } from '@/shared/format/useFormat';
import { Metric } from '@/shared/ui/Metric';
import { Panel } from '@/shared/ui/Panel';
import { useSimulationText } from './useSimulationText';

const COUNTS = [
  'forecasts',
  'settled',
  'trainings',
  'promotions',
  'rejections',
  'rollbacks',
  'alerts',
] as const;

/** How far a simulation is, and what has happened so far. */
export function ProgressPanel({ simulation }: { simulation: Simulation }) {
  const { t } = useTranslation();
  const format = useFormat();
  const say = useApiText();
  const sentence = useApiSentence();
  const { state, error, counts } = simulation;
  return (
    <Panel title={t('simulation.progress')} data-testid="simulation-progress" data-state={state}>
      <Stack gap="lg">
        {isAtWork(state) && <AtWork simulation={simulation} />}
        {state === 'paused' && (
          <Alert color="yellow" role="status" icon={<IconPlayerPause size={18} />}>
            {t('simulation.paused')}
          </Alert>
        )}
        {error && (
          <Alert
            color="red"
            role="alert"
            icon={<IconAlertTriangle size={18} />}
            title={say(`problem.${error.code}`, error.title)}
          >
            {sentence(error.detail)}
          </Alert>
        )}
        <SimpleGrid cols={{ base: 2, xs: 3, md: 4, lg: 8 }} spacing="md">
          <Metric label={t('simulation.sessions')}>
            {format.integer(simulation.sessions_done)}{' '}
            <span className="muted">/ {format.integer(simulation.sessions_total)}</span>
          </Metric>
          {COUNTS.map((count) => (
            <Metric key={count} label={t(`simulation.count.${count}`)}>
              {format.integer(counts[count] ?? 0)}
            </Metric>
          ))}
        </SimpleGrid>
      </Stack>
    </Panel>
  );
}

function AtWork({ simulation }: { simulation: Simulation }) {
  const { t } = useTranslation();
  const format = useFormat();
  const text = useSimulationText();
  const { state, session, stage, progress, seconds_left: left } = simulation;
  const words =
    state === 'pending'
      ? t('job.pending')
      : session
        ? t('simulation.atSession', {
            session: format.session(session),
            stage: t(`simulation.stage.${stage}`),
          })
        : t(`simulation.stage.${stage}`);
  return (
    <Stack gap={6}>
      <Group justify="space-between" wrap="nowrap">
        <Text fz="sm" aria-live="polite">
          {words}
        </Text>
        <Text fz="sm" className="nowrap">
          <strong>{format.percent(progress, 1)}</strong>
          {left !== null && <span className="muted"> · {text.left(left)}</span>}
        </Text>
      </Group>
      <Progress
        value={progress * 100}
        striped
        animated
        transitionDuration={400}
        aria-label={t('simulation.progress')}
        data-testid="simulation-bar"
      />
    </Stack>
  );
}
