import { Alert, Button, CloseButton, Group, Progress, Skeleton, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconPlayerStop } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/access';
import { refreshDatasets } from '@/api/datasets';
import { etlRunQuery, useCancelEtl, type EtlRun } from '@/api/etl';
import { isFinished } from '@/api/jobs';
import { useApiSentence } from '@/i18n/sentences';
import { useFormat } from '@/shared/format/useFormat';
import { Panel } from '@/shared/ui/Panel';
import { ProblemAlert } from '@/shared/ui/States';
import { RunState } from './RunState';
import { RunTickers } from './RunTickers';
import { useDatasetsSearch } from './useDatasetsSearch';

/** One load as it goes on, ticker by ticker. */
export function RunPanel({ runId }: { runId: string }) {
  const { t } = useTranslation();
  const { update } = useDatasetsSearch();
  const run = useQuery(etlRunQuery(runId));
  useRefreshedDatasets(run.data);
  return (
    <Panel
      title={run.data ? t('etl.runOf', { source: run.data.source }) : t('etl.run')}
      description={run.data && <Times run={run.data} />}
      aside={
        <Group gap="xs" wrap="nowrap">
          {run.data && <RunState state={run.data.state} />}
          <CloseButton
            aria-label={t('action.close')}
            onClick={() => {
              update({ run: undefined });
            }}
          />
        </Group>
      }
      data-testid="etl-run"
      data-state={run.data?.state}
    >
      {run.isPending && <Skeleton height={120} />}
      {run.isError && <ProblemAlert error={run.error} onRetry={run.refetch} />}
      {run.data && <Progressing run={run.data} />}
    </Panel>
  );
}

/** What was loaded so far shows in the list of datasets, and on every chart, as it comes. */
function useRefreshedDatasets(run: EtlRun | undefined): void {
  const client = useQueryClient();
  const done = run?.tickers_done ?? 0;
  const state = run?.state;
  useEffect(() => {
    if (done > 0 || isFinished(state)) void refreshDatasets(client);
  }, [client, done, state]);
}

function Times({ run }: { run: EtlRun }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (!run.finished_at) return t('etl.begun', { at: format.instant(run.started_at ?? run.created_at) });
  const seconds = (Date.parse(run.finished_at) - Date.parse(run.started_at ?? run.created_at)) / 1000;
  return t('etl.took', { at: format.instant(run.finished_at), seconds: format.number(seconds, 1) });
}

function Progressing({ run }: { run: EtlRun }) {
  const { t } = useTranslation();
  const sentence = useApiSentence();
  const total = run.tickers_total;
  const finished = isFinished(run.state);
  const share = finished ? 1 : total ? run.tickers_done / total : 0;
  const words = total == null ? t('etl.reading') : t('etl.done', { done: run.tickers_done, count: total });
  return (
    <Stack gap="sm">
      {!finished && (
        <>
          <Group justify="space-between" wrap="nowrap">
            <Text fz="sm" aria-live="polite">
              {run.state === 'pending' ? t('job.pending') : words}
            </Text>
            <CancelButton runId={run.run_id} />
          </Group>
          <Progress value={share * 100} striped animated aria-label={words} data-testid="etl-progress" />
        </>
      )}
      {run.error && (
        <Alert role="alert" color="red" icon={<IconAlertTriangle size={18} />} title={t('etl.failed')}>
          {sentence(run.error)}
        </Alert>
      )}
      {run.state === 'failed' && !run.error && run.message && (
        <Alert role="alert" color="red" icon={<IconAlertTriangle size={18} />}>
          {sentence(run.message)}
        </Alert>
      )}
      {run.tickers.length > 0 && <RunTickers tickers={run.tickers} />}
    </Stack>
  );
}

function CancelButton({ runId }: { runId: string }) {
  const { t } = useTranslation();
  const cancel = useCancelEtl();
  const allowed = useMay('write');
  if (!allowed) return null;
  return (
    <Stack gap={4} align="flex-end">
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<IconPlayerStop size={14} />}
        loading={cancel.isPending}
        onClick={() => {
          cancel.mutate(runId);
        }}
        data-testid="etl-cancel"
      >
        {t('action.cancel')}
      </Button>
      {cancel.isError && <ProblemAlert error={cancel.error} />}
    </Stack>
  );
}
