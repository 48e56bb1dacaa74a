import { Button, Group, NumberInput, Select, Stack } from '@mantine/core';
import { IconSchool } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/access';
import { requested } from '@/api/exchange';
import { isFinished } from '@/api/jobs';
import { MODEL_TYPES, trainStatusQuery, useTrain, type ModelType } from '@/api/training';
import { TrainOutcome } from '@/features/forecast/TrainOutcome';
import { FormProblem } from '@/shared/form/FormProblem';
import { useFieldErrors } from '@/shared/form/useFieldErrors';
import type { Instrument } from '@/shared/instrument';
import { JobProgress } from '@/shared/ui/JobProgress';
import { NotAllowed } from '@/shared/ui/NotAllowed';
import { Panel } from '@/shared/ui/Panel';
import { ProblemAlert } from '@/shared/ui/States';
import { useStockSearch } from './useStock';

/** Trains a model of the instrument and follows it to its result. */
export function TrainPanel({ instrument }: { instrument: Instrument }) {
  const { t } = useTranslation();
  const { search, update } = useStockSearch();
  const train = useTrain();
  const allowed = useMay('write');
  const [modelType, setModelType] = useState<ModelType>('ridge');
  const [horizon, setHorizon] = useState<number | string>(5);
  const status = useQuery({ ...trainStatusQuery(search.train ?? ''), enabled: search.train !== undefined });
  const running = search.train !== undefined && !status.isError && !isFinished(status.data?.state);

  const errors = useFieldErrors(train.error, ['horizon']);
  const start = () => {
    // The API says what is wrong with an empty or too large number; it is sent as it was typed.
    train.mutate(
      { ...requested(instrument), model_type: modelType, horizon: horizon as number },
      {
        onSuccess: ({ task_id }) => {
          update({ train: task_id });
        },
      },
    );
  };

  return (
    <Panel title={t('train.title')} description={t('train.subtitle')}>
      <Stack gap="sm">
        <Group align="flex-start" gap="sm" wrap="nowrap">
          <Select
            label={t('train.model')}
            value={modelType}
            onChange={(value) => {
              if (value) setModelType(value);
            }}
            data={MODEL_TYPES.map((value) => ({ value, label: t(`model.type.${value}`) }))}
            flex={2}
            data-testid="train-model"
          />
          <NumberInput
            label={t('train.horizon')}
            value={horizon}
            onChange={setHorizon}
            min={1}
            allowDecimal={false}
            clampBehavior="none"
            error={errors.fields.horizon}
            flex={1}
            data-testid="train-horizon"
          />
        </Group>
        <Button
          fullWidth
          leftSection={<IconSchool size={16} />}
          loading={train.isPending}
          disabled={!allowed || running}
          onClick={start}
          data-testid="train-button"
        >
          {t('train.start')}
        </Button>
        <NotAllowed when={!allowed} />
        <FormProblem error={train.error} errors={errors} />
        {status.isError && <ProblemAlert error={status.error} onRetry={status.refetch} />}
        {running && status.data && (
          <JobProgress
            state={status.data.state}
            progress={status.data.progress}
            stage={status.data.stage}
            testId="train-progress"
          />
        )}
        {status.data && isFinished(status.data.state) && (
          <TrainOutcome status={status.data} onRetry={start} />
        )}
      </Stack>
    </Panel>
  );
}
