import { Group, Progress, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useStageText } from '@/shared/format/useStageText';
import { useFormat } from '@/shared/format/useFormat';

interface JobProgressProps {
  /** `pending`: it waits for a worker */
  state: string;
  /** 0 to 1 */
  progress: number;
  /** what is being done, in the worker's words */
  stage: string;
  testId?: string;
}

/** How far a job is that waits or runs. */
export function JobProgress({ state, progress, stage, testId }: JobProgressProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const stageText = useStageText();
  const words = state === 'pending' ? t('job.pending') : stageText(stage) || t('job.running');
  return (
    <Stack gap={6} data-testid={testId} data-state={state} data-progress={progress}>
      <Group justify="space-between" wrap="nowrap">
        <Text fz="sm" truncate aria-live="polite">
          {words}
        </Text>
        <Text fz="sm" fw={600}>
          {format.percent(progress)}
        </Text>
      </Group>
      <Progress value={progress * 100} striped animated transitionDuration={400} aria-label={words} />
    </Stack>
  );
}
