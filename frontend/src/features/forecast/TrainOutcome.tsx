import { Alert, Button, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconEqual } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { TrainStatus } from '@/api/training';
import { useApiSentence } from '@/i18n/sentences';
import { useApiText } from '@/i18n/useApiText';
import { horizonScores, SUSPICIOUS_SKILL } from './evaluation';
import { ScoresTable } from './ScoresTable';

/** How a training ended: its evidence against the random walk, or why it failed. */
export function TrainOutcome({ status, onRetry }: { status: TrainStatus; onRetry: () => void }) {
  const { t } = useTranslation();
  const say = useApiText();
  const sentence = useApiSentence();
  if (status.result) return <TrainResult result={status.result} />;
  return (
    <Alert
      role="alert"
      color="red"
      icon={<IconAlertTriangle size={18} />}
      title={
        status.error ? say(`problem.${status.error.code}`, status.error.title) : t(`job.${status.state}`)
      }
      data-testid="train-result"
      data-state={status.state}
    >
      <Stack gap="sm" align="flex-start">
        {status.error && <Text fz="sm">{sentence(status.error.detail)}</Text>}
        <Button size="xs" variant="default" onClick={onRetry}>
          {t('error.retry')}
        </Button>
      </Stack>
    </Alert>
  );
}

function TrainResult({ result }: { result: NonNullable<TrainStatus['result']> }) {
  const { t } = useTranslation();
  const scores = horizonScores(result.metrics);
  const better = scores.filter((score) => score.beatsRandomWalk).map((score) => score.horizon);
  const suspicious = scores.some((score) => (score.skill ?? 0) > SUSPICIOUS_SKILL);
  return (
    <Stack gap="sm" data-testid="train-result" data-state="completed" data-version={result.version}>
      <Alert
        color={better.length > 0 ? 'teal' : 'gray'}
        icon={better.length > 0 ? <IconCheck size={18} /> : <IconEqual size={18} />}
        title={t('train.done', { name: result.registered_name, version: result.version })}
      >
        <Text fz="sm" data-testid="train-verdict">
          {better.length > 0
            ? t('train.better', { horizons: better.join(', '), count: better.length })
            : t('train.notBetter')}
        </Text>
        {suspicious && (
          <Text fz="sm" mt="xs">
            {t('train.suspicious')}
          </Text>
        )}
      </Alert>
      {scores.length > 0 && <ScoresTable scores={scores} />}
    </Stack>
  );
}
