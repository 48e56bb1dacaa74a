import { Anchor, Badge, Button, Card, Group, Progress, Skeleton, Text } from '@mantine/core';
import { IconSchool } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { TFunction } from 'i18next';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/access';
import { isFinished, type JobState } from '@/api/jobs';
import { modelsQuery } from '@/api/models';
import { trainingsQuery, useCancelTraining, type TrainTask } from '@/api/training';
import type { Format } from '@/shared/format/format';
import { useApiText } from '@/i18n/useApiText';
import { useFormat } from '@/shared/format/useFormat';
import { useStageText } from '@/shared/format/useStageText';
import { actionColumn, type Column } from '@/shared/table/columns';
import { DataTable } from '@/shared/table/DataTable';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';

const COLORS: Record<JobState, string> = {
  pending: 'gray',
  running: 'indigo',
  completed: 'teal',
  failed: 'red',
  cancelled: 'yellow',
};

/** Models whose names the list of trainings tells. */
const NAMED = 500;

/** All trainings, the newest first, those under way with their progress. */
export function TrainingsPanel() {
  const { t } = useTranslation();
  const format = useFormat();
  const trainings = useQuery(trainingsQuery());
  const models = useQuery(modelsQuery({ limit: NAMED }));
  const names = useMemo(
    () => new Map((models.data?.items ?? []).map((model) => [model.model_id, model.name])),
    [models.data],
  );
  const columns = useMemo(() => columnsOf(t, format, names), [t, format, names]);
  return (
    <Card component="section">
      {trainings.isPending && <Skeleton height={280} />}
      {trainings.isError && <ProblemAlert error={trainings.error} onRetry={trainings.refetch} />}
      {trainings.data?.length === 0 && (
        <EmptyState icon={<IconSchool size={26} />} title={t('trainings.empty.title')}>
          {t('trainings.empty.detail')}
        </EmptyState>
      )}
      {trainings.data && trainings.data.length > 0 && (
        <DataTable
          label={t('models.tab.trainings')}
          columns={columns}
          rows={trainings.data}
          rowKey={(task) => task.task_id}
          csv="trainings"
          testId="trainings-table"
        />
      )}
    </Card>
  );
}

function seconds(task: TrainTask): number | null {
  if (!task.started_at || !task.finished_at) return null;
  return (Date.parse(task.finished_at) - Date.parse(task.started_at)) / 1000;
}

function columnsOf(t: TFunction, format: Format, names: ReadonlyMap<string, string>): Column<TrainTask>[] {
  return [
    {
      id: 'model',
      header: t('trainings.column.model'),
      value: (task) => names.get(task.model_id) ?? task.model_id,
      cell: (task) => (
        <Anchor
          fz="sm"
          fw={600}
          renderRoot={(props) => (
            <Link
              to="/models/$modelId"
              params={{ modelId: task.model_id }}
              search={{ train: task.task_id }}
              {...props}
            />
          )}
        >
          {names.get(task.model_id) ?? task.model_id.slice(0, 8)}
        </Anchor>
      ),
    },
    {
      id: 'state',
      header: t('trainings.column.state'),
      value: (task) => task.state,
      cell: (task) => <TaskState task={task} />,
    },
    {
      id: 'created',
      header: t('trainings.column.created'),
      value: (task) => task.created_at,
      cell: (task) => format.instant(task.created_at),
      visibleFrom: 'sm',
    },
    {
      id: 'seconds',
      header: t('trainings.column.seconds'),
      value: seconds,
      cell: (task) => {
        const took = seconds(task);
        return took === null ? '–' : t('unit.seconds', { value: format.number(took, 1) });
      },
      align: 'right',
      visibleFrom: 'md',
    },
    actionColumn((task) => !isFinished(task.state) && <CancelButton taskId={task.task_id} />),
  ];
}

function TaskState({ task }: { task: TrainTask }) {
  const { t } = useTranslation();
  const say = useApiText();
  const stage = useStageText()(task.stage);
  const format = useFormat();
  if (task.state !== 'running') {
    return (
      <div>
        <Badge color={COLORS[task.state]}>{t(`trainings.state.${task.state}`)}</Badge>
        {task.error && (
          <Text fz="xs" className="muted" maw={420}>
            {say(`problem.${task.error.code}`, task.error.title)}
          </Text>
        )}
      </div>
    );
  }
  return (
    <Group gap="xs" wrap="nowrap">
      <Progress value={task.progress * 100} w={90} animated striped aria-label={stage} />
      <Text fz="xs" className="nowrap">
        {format.percent(task.progress)} <span className="muted">{stage}</span>
      </Text>
    </Group>
  );
}

function CancelButton({ taskId }: { taskId: string }) {
  const { t } = useTranslation();
  const cancel = useCancelTraining();
  const allowed = useMay('write');
  return (
    <Button
      size="compact-xs"
      variant="default"
      disabled={!allowed}
      title={allowed ? undefined : t('access.operatorsOnly')}
      loading={cancel.isPending}
      onClick={() => {
        cancel.mutate(taskId);
      }}
    >
      {t('job.cancel')}
    </Button>
  );
}
