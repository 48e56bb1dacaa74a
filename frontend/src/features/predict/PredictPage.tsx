import { Skeleton, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { datasetsQuery, type Dataset } from '@/api/datasets';
import type { Prediction } from '@/api/predictions';
import type { Instrument } from '@/shared/instrument';
import { PageHeader } from '@/shared/ui/PageHeader';
import { ProblemAlert } from '@/shared/ui/States';
import { NoPrices } from './NoPrices';
import { PathPanel } from './PathPanel';
import { PredictForm } from './PredictForm';
import classes from './PredictPage.module.css';
import { PredictionsPanel } from './PredictionsPanel';
import { SinglePanel } from './SinglePanel';
import { usePredictSearch } from './usePredictSearch';

/** Ask for a forecast: of one session, or of all sessions up to one; and what was asked for before. */
export function PredictPage() {
  const { t } = useTranslation();
  const datasets = useQuery(datasetsQuery());
  return (
    <Stack gap="lg">
      <PageHeader title={t('nav.predict')} subtitle={t('forecasts.subtitle')} />
      {datasets.isPending && <Skeleton height={420} radius="lg" />}
      {datasets.isError && <ProblemAlert error={datasets.error} onRetry={datasets.refetch} />}
      {datasets.data?.length === 0 && <NoPrices />}
      {datasets.data?.[0] && <Desk datasets={datasets.data} first={datasets.data[0]} />}
      {datasets.data && datasets.data.length > 0 && <PredictionsPanel />}
    </Stack>
  );
}

function Desk({ datasets, first }: { datasets: readonly Dataset[]; first: Dataset }) {
  const { search } = usePredictSearch();
  const [made, setMade] = useState<Prediction | null>(null);
  const instrument: Instrument = {
    exchange: search.exchange ?? first.exchange,
    ticker: search.ticker ?? first.ticker,
  };
  return (
    <div className={classes.desk}>
      <PredictForm
        // What was typed for one stock says nothing of another.
        key={`${instrument.exchange}:${instrument.ticker}`}
        instrument={instrument}
        datasets={datasets}
        onMade={setMade}
      />
      {search.mode === 'path' ? (
        <PathPanel instrument={instrument} />
      ) : (
        <SinglePanel instrument={instrument} made={made} />
      )}
    </div>
  );
}
