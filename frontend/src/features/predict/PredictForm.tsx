import { Button, NumberInput, SegmentedControl, Select, Stack, Text } from '@mantine/core';
import { IconRoute, IconSparkles } from '@tabler/icons-react';
import { useState, type SyntheticEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/access';
import type { Dataset } from '@/api/datasets';
import { useFuturePath } from '@/api/future';
import { usePredict, type Prediction } from '@/api/predictions';
import { FormProblem } from '@/shared/form/FormProblem';
import { useFieldErrors } from '@/shared/form/useFieldErrors';
import { instrumentKey, type Instrument } from '@/shared/instrument';
import { Panel } from '@/shared/ui/Panel';
import { usePredictSearch } from './usePredictSearch';

const FIELDS = ['horizon', 'days', 'ticker', 'exchange'] as const;

interface PredictFormProps {
  instrument: Instrument;
  datasets: readonly Dataset[];
  onMade: (prediction: Prediction | null) => void;
}

/** Of which stock, how far ahead, one session or all up to it. */
export function PredictForm({ instrument, datasets, onMade }: PredictFormProps) {
  const { t } = useTranslation();
  const { search, update } = usePredictSearch();
  const path = search.mode === 'path';
  const [ahead, setAhead] = useState<number | string>(path ? 10 : 1);
  const single = usePredict(instrument);
  const future = useFuturePath(instrument);
  const allowed = useMay('predict');
  const sent = path ? future : single;
  const errors = useFieldErrors(sent.error, FIELDS);
  const wrong = errors.fields.horizon ?? errors.fields.days;

  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    // The API says what is wrong with an empty or too large number; it is sent as it was typed.
    if (path) {
      future.mutate(ahead as number, {
        onSuccess: ({ task_id }) => {
          update({ task: task_id });
        },
      });
    } else single.mutate(ahead as number, { onSuccess: onMade });
  };

  return (
    <Panel title={t('forecasts.form.title')} description={t('forecasts.form.detail')}>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <Select
            label={t('modelForm.subject.ticker')}
            searchable
            value={instrumentKey(instrument)}
            data={datasets.map((item) => ({
              value: instrumentKey(item),
              label: item.name ? `${item.ticker} · ${item.name}` : instrumentKey(item),
            }))}
            onChange={(value) => {
              const [exchange, ticker] = value?.split(':') ?? [];
              onMade(null);
              update({ exchange, ticker, task: undefined });
            }}
            nothingFoundMessage={t('search.nothing')}
            error={errors.fields.ticker ?? errors.fields.exchange}
            data-testid="predict-ticker"
          />
          <SegmentedControl
            fullWidth
            aria-label={t('forecasts.form.mode')}
            value={path ? 'path' : 'single'}
            onChange={(mode) => {
              update({ mode: mode === 'path' ? 'path' : undefined });
            }}
            data={[
              { value: 'single', label: t('forecasts.form.single') },
              { value: 'path', label: t('forecasts.form.path') },
            ]}
          />
          <NumberInput
            label={t(path ? 'forecasts.form.days' : 'predict.horizon')}
            description={t(path ? 'forecasts.form.daysHint' : 'forecasts.form.horizonHint')}
            value={ahead}
            onChange={setAhead}
            min={1}
            clampBehavior="none"
            allowDecimal={false}
            error={wrong}
            data-testid="predict-ahead"
          />
          <Button
            type="submit"
            leftSection={path ? <IconRoute size={16} /> : <IconSparkles size={16} />}
            loading={sent.isPending}
            disabled={!allowed}
            data-testid="predict-submit"
          >
            {t(path ? 'future.start' : 'predict.now')}
          </Button>
          {!allowed && (
            <Text fz="xs" className="muted">
              {t('forecasts.form.notAllowed')}
            </Text>
          )}
          <FormProblem error={sent.error} errors={errors} />
        </Stack>
      </form>
    </Panel>
  );
}
