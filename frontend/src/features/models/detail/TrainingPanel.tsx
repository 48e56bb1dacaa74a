import { Button, CloseButton, Group, Skeleton, Stack } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useEffectEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/access';
import { isFinished } from '@/api/jobs';
import { refreshModels, type ModelDetail } from '@/api/models';
import {
  trainingsQuery,
  trainStatusQuery,
  useCancelTraining,
  useRetrain,
  type TrainStatus,
} from '@/api/training';
import { TrainOutcome } from '@/features/forecast/TrainOutcome';
import { JobProgress } from '@/shared/ui/JobProgress';
import { Panel } from '@/shared/ui/Panel';
import { ProblemAlert } from '@/shared/ui/States';
import { FoldGrid } from './FoldGrid';
import { useModelPage } from './useModelPage';
import { VerdictView } from './VerdictView';

/** The training in the page's address, else one of this model that is under way; nothing when there is none. */
export function TrainingPanel({ model }: { model: ModelDetail }) {
  const { search } = useModelPage();
  const trainings = useQuery(trainingsQuery());
  const running = trainings.data?.find((task) => task.model_id === model.model_id && !isFinished(task.state));
  const taskId = search.train ?? running?.task_id;
  return taskId === undefined ? null : <Followed key={taskId} taskId={taskId} modelId={model.model_id} />;
}

function Followed({ taskId, modelId }: { taskId: string; modelId: string }) {
  const { t } = useTranslation();
  const { update } = useModelPage();
  const client = useQueryClient();
  const status = useQuery(trainStatusQuery(taskId));
  const finished = isFinished(status.data?.state);
  const refresh = useEffectEvent(() => void refreshModels(client));
  useEffect(() => {
    if (finished) refresh();
  }, [finished]);
  return (
    <Panel
      title={t('trainings.panel')}
      aside={
        finished || status.isError ? (
          <CloseButton
            aria-label={t('action.close')}
            onClick={() => {
              update({ train: undefined });
            }}
          />
        ) : (
          <CancelButton taskId={taskId} />
        )
      }
      data-testid="training"
      data-state={status.data?.state}
    >
      {status.isPending && <Skeleton height={60} />}
      {status.isError && <ProblemAlert error={status.error} onRetry={status.refetch} />}
      {status.data && <Shown status={status.data} modelId={modelId} />}
    </Panel>
  );
}

function Shown({ status, modelId }: { status: TrainStatus; modelId: string }) {
  const { update } = useModelPage();
  const retrain = useRetrain();
  const again = () => {
    retrain.mutate(modelId, {
      onSuccess: ({ task_id }) => {
        update({ train: task_id });
      },
    });
  };
  return (
    <Stack gap="md">
      {isFinished(status.state) ? (
        <TrainOutcome status={status} onRetry={again} />
      ) : (
        <JobProgress
          state={status.state}
          progress={status.progress}
          stage={status.stage}
          testId="train-progress"
        />
      )}
      {retrain.isError && <ProblemAlert error={retrain.error} />}
      {status.result?.verdict && <VerdictView verdict={status.result.verdict} />}
      {status.folds.length > 0 && !status.result && <FoldGrid folds={status.folds} />}
    </Stack>
  );
}

function CancelButton({ taskId }: { taskId: string }) {
  const { t } = useTranslation();
  const cancel = useCancelTraining();
  const allowed = useMay('write');
  return (
    <Group gap="xs">
      <Button
        size="xs"
        variant="default"
        disabled={!allowed}
        title={allowed ? undefined : t('access.operatorsOnly')}
        loading={cancel.isPending}
        onClick={() => {
          cancel.mutate(taskId);
        }}
        data-testid="train-cancel"
      >
        {t('job.cancel')}
      </Button>
    </Group>
  );
}
