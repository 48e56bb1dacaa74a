import { Alert, Button, Skeleton, Stack } from '@mantine/core';
import { IconRoute } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { recentClosesQuery } from '@/api/datasets';
import { futureStatusQuery, useCancelFuture, useFollowedPath, useKnownPath } from '@/api/future';
import { isFinished } from '@/api/jobs';
import type { Instrument } from '@/shared/instrument';
import { JobProgress } from '@/shared/ui/JobProgress';
import { Panel } from '@/shared/ui/Panel';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';
import { PathChart } from './PathChart';
import { PathTable } from './PathTable';
import { usePredictSearch } from './usePredictSearch';

/** The path in the page's address: its days as they are predicted, and a way to stop it. */
export function PathPanel({ instrument }: { instrument: Instrument }) {
  const { t } = useTranslation();
  const { search } = usePredictSearch();
  return (
    <Panel
      title={`${instrument.exchange}:${instrument.ticker}`}
      description={t('future.subtitle')}
      aside={search.task !== undefined && <CancelButton taskId={search.task} />}
      data-testid="path"
    >
      {search.task === undefined ? (
        <EmptyState icon={<IconRoute size={26} />} title={t('forecasts.noPath.title')}>
          {t('forecasts.noPath.detail')}
        </EmptyState>
      ) : (
        <Path taskId={search.task} instrument={instrument} />
      )}
    </Panel>
  );
}

function Path({ taskId, instrument }: { taskId: string; instrument: Instrument }) {
  const { t } = useTranslation();
  const path = useFollowedPath(taskId);
  const closes = useQuery(recentClosesQuery(instrument));
  if (path.isPending) return <Skeleton height={320} />;
  if (path.isError) return <ProblemAlert error={path.error} onRetry={path.refetch} />;
  const { state, progress, days_done: done, days_total: total, predictions } = path.data;
  return (
    <Stack gap="md" data-testid="path-days" data-state={state} data-done={done}>
      {!isFinished(state) && (
        <JobProgress
          state={state}
          progress={progress}
          stage={t('forecasts.progress', { done, count: total })}
          testId="path-progress"
        />
      )}
      {state === 'failed' && <Failure taskId={taskId} />}
      {state === 'cancelled' && (
        <Alert color="yellow" role="status">
          {t('forecasts.cancelled', { done, count: total })}
        </Alert>
      )}
      {predictions.length > 0 && (
        <>
          <PathChart closes={closes.data ?? []} path={predictions} />
          <PathTable path={predictions} />
        </>
      )}
    </Stack>
  );
}

function Failure({ taskId }: { taskId: string }) {
  const { t } = useTranslation();
  const status = useQuery(futureStatusQuery(taskId));
  return (
    <Alert role="alert" color="red" title={status.data?.error?.title ?? t('job.failed')}>
      {status.data?.error?.detail}
    </Alert>
  );
}

function CancelButton({ taskId }: { taskId: string }) {
  const { t } = useTranslation();
  const path = useKnownPath(taskId);
  const cancel = useCancelFuture();
  if (!path.data || isFinished(path.data.state)) return null;
  return (
    <Button
      size="xs"
      variant="default"
      loading={cancel.isPending}
      onClick={() => {
        cancel.mutate(taskId);
      }}
      data-testid="path-cancel"
    >
      {t('job.cancel')}
    </Button>
  );
}
