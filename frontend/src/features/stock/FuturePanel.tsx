import { Alert, Button, Group, NumberInput, Skeleton, Stack, Table, Text } from '@mantine/core';
import { IconRoute } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { PredictionEvent } from '@/api/events';
import { futureStatusQuery, useFollowedPath, useFuturePath } from '@/api/future';
import { isFinished } from '@/api/jobs';
import { useFormat } from '@/shared/format/useFormat';
import { FormProblem } from '@/shared/form/FormProblem';
import { useFieldErrors } from '@/shared/form/useFieldErrors';
import type { Instrument } from '@/shared/instrument';
import { JobProgress } from '@/shared/ui/JobProgress';
import { Panel } from '@/shared/ui/Panel';
import { ScrollTable } from '@/shared/ui/ScrollTable';
import { ProblemAlert } from '@/shared/ui/States';
import { useStockSearch } from './useStock';

/** Forecasts a path of several sessions; the days appear one by one, here and on the chart. */
export function FuturePanel({ instrument }: { instrument: Instrument }) {
  const { t } = useTranslation();
  const { search, update } = useStockSearch();
  const start = useFuturePath(instrument);
  const [days, setDays] = useState<number | string>(5);
  const errors = useFieldErrors(start.error, ['days', 'horizon']);
  const wrong = errors.fields.days ?? errors.fields.horizon;
  const submit = () => {
    // The API says what is wrong with an empty or too large number; it is sent as it was typed.
    start.mutate(days as number, {
      onSuccess: ({ task_id }) => {
        update({ path: task_id });
      },
    });
  };
  return (
    <Panel
      title={t('future.title')}
      description={t('future.subtitle')}
      aside={
        search.path !== undefined && (
          <Button
            size="compact-xs"
            variant="subtle"
            color="gray"
            onClick={() => {
              update({ path: undefined });
            }}
          >
            {t('future.clear')}
          </Button>
        )
      }
    >
      <Group align={wrong ? 'center' : 'flex-end'} gap="sm" wrap="nowrap">
        <NumberInput
          label={t('future.days')}
          value={days}
          onChange={setDays}
          min={1}
          allowDecimal={false}
          clampBehavior="none"
          error={wrong}
          flex={1}
          data-testid="future-days"
        />
        <Button
          variant="light"
          leftSection={<IconRoute size={16} />}
          loading={start.isPending}
          onClick={submit}
          data-testid="future-start"
        >
          {t('future.start')}
        </Button>
      </Group>
      <FormProblem error={start.error} errors={errors} />
      {search.path !== undefined && <FuturePath taskId={search.path} />}
    </Panel>
  );
}

function FuturePath({ taskId }: { taskId: string }) {
  const path = useFollowedPath(taskId);
  if (path.isPending) return <Skeleton height={40} />;
  if (path.isError) return <ProblemAlert error={path.error} onRetry={path.refetch} />;
  const { state, progress, days_done: done, days_total: total, predictions } = path.data;
  return (
    <Stack gap="sm">
      {!isFinished(state) && (
        <JobProgress
          state={state}
          progress={progress}
          stage={`${done} / ${total}`}
          testId="future-progress"
        />
      )}
      {(state === 'failed' || state === 'cancelled') && <FutureFailure taskId={taskId} state={state} />}
      {predictions.length > 0 && <PathTable predictions={predictions} finished={isFinished(state)} />}
    </Stack>
  );
}

function FutureFailure({ taskId, state }: { taskId: string; state: 'failed' | 'cancelled' }) {
  const { t } = useTranslation();
  const status = useQuery(futureStatusQuery(taskId));
  return (
    <Alert role="alert" color="red" title={status.data?.error?.title ?? t(`job.${state}`)}>
      <Text fz="sm">{status.data?.error?.detail}</Text>
    </Alert>
  );
}

function PathTable({
  predictions,
  finished,
}: {
  predictions: readonly PredictionEvent[];
  finished: boolean;
}) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <ScrollTable
      label={t('future.title')}
      maxHeight={320}
      fz="xs"
      verticalSpacing={6}
      horizontalSpacing={6}
      data-testid="future-path"
      data-finished={finished}
    >
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('history.target')}</Table.Th>
          <Table.Th ta="right">{t('history.predicted')}</Table.Th>
          <Table.Th ta="right">{t('history.interval')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {predictions.map((item) => (
          <Table.Tr key={item.prediction_id} className="arrived">
            <Table.Td className="nowrap">{format.sessionShort(item.target_session)}</Table.Td>
            <Table.Td ta="right" fw={600}>
              {format.price(item.predicted_close)}
            </Table.Td>
            <Table.Td ta="right" className="muted nowrap">
              {item.lower != null && item.upper != null
                ? `${format.price(item.lower)} – ${format.price(item.upper)}`
                : '–'}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </ScrollTable>
  );
}
