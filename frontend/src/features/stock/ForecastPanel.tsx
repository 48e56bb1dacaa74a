import { Button, Group, NumberInput, Skeleton, Stack, Text } from '@mantine/core';
import { IconListSearch, IconSparkles } from '@tabler/icons-react';
import type { UseQueryResult } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePredict, type Prediction } from '@/api/predictions';
import { ForecastFigures } from '@/features/forecast/ForecastFigures';
import { MadeAt } from '@/features/forecast/MadeAt';
import { ModelBadge } from '@/features/forecast/ModelBadge';
import { SkillBadge } from '@/features/forecast/SkillBadge';
import { FormProblem } from '@/shared/form/FormProblem';
import { useFieldErrors } from '@/shared/form/useFieldErrors';
import type { Instrument } from '@/shared/instrument';
import { Panel } from '@/shared/ui/Panel';
import { ProblemAlert } from '@/shared/ui/States';
import { useStockSearch } from './useStock';

interface ForecastPanelProps {
  instrument: Instrument;
  latest: UseQueryResult<Prediction | null>;
}

/** The newest forecast, and a button that makes one now. */
export function ForecastPanel({ instrument, latest }: ForecastPanelProps) {
  const { t } = useTranslation();
  const { update } = useStockSearch();
  const prediction = latest.data;
  return (
    <Panel
      title={t('forecast.title')}
      aside={prediction && <ModelBadge prediction={prediction} short />}
      data-testid={`forecast-${instrument.exchange}-${instrument.ticker}`}
    >
      {latest.isPending && <Skeleton height={206} />}
      {latest.isError && <ProblemAlert error={latest.error} onRetry={latest.refetch} />}
      {prediction === null && (
        <Text fz="sm" className="muted">
          {t('forecast.none.detail')}
        </Text>
      )}
      {prediction && (
        <>
          <div key={prediction.prediction_id} className="arrived">
            <ForecastFigures prediction={prediction} />
          </div>
          <Group justify="space-between">
            <MadeAt at={prediction.made_at} />
            <SkillBadge prediction={prediction} />
          </Group>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconListSearch size={14} />}
            onClick={() => {
              update({ prediction: prediction.prediction_id });
            }}
            data-testid="explain-newest"
          >
            {t('explain.button')}
          </Button>
        </>
      )}
      <PredictNow instrument={instrument} />
    </Panel>
  );
}

function PredictNow({ instrument }: { instrument: Instrument }) {
  const { t } = useTranslation();
  const predict = usePredict(instrument);
  const [horizon, setHorizon] = useState<number | string>(1);
  const errors = useFieldErrors(predict.error, ['horizon']);
  return (
    <Stack gap="sm">
      <Group align={errors.fields.horizon ? 'center' : 'flex-end'} gap="sm" wrap="nowrap">
        <NumberInput
          label={t('predict.horizon')}
          value={horizon}
          onChange={setHorizon}
          min={1}
          allowDecimal={false}
          clampBehavior="none"
          error={errors.fields.horizon}
          flex={1}
          data-testid="predict-horizon"
        />
        <Button
          leftSection={<IconSparkles size={16} />}
          loading={predict.isPending}
          onClick={() => {
            // The API says what is wrong with an empty or too large number; it is sent as it was typed.
            predict.mutate(horizon as number);
          }}
          data-testid="predict-now"
        >
          {t('predict.now')}
        </Button>
      </Group>
      <FormProblem error={predict.error} errors={errors} />
    </Stack>
  );
}
