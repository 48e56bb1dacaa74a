import { Button, Group, Skeleton } from '@mantine/core';
import { IconListSearch, IconSparkles } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { recentClosesQuery } from '@/api/datasets';
import { latestPredictionQuery, type Prediction } from '@/api/predictions';
import { ForecastFigures } from '@/features/forecast/ForecastFigures';
import { MadeAt } from '@/features/forecast/MadeAt';
import { ModelBadge } from '@/features/forecast/ModelBadge';
import type { Instrument } from '@/shared/instrument';
import { Panel } from '@/shared/ui/Panel';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';
import { PathChart } from './PathChart';

interface SinglePanelProps {
  instrument: Instrument;
  /** what was made just now; otherwise the newest forecast is shown */
  made: Prediction | null;
}

/** One forecast of the stock: the one that was asked for, else its newest. */
export function SinglePanel({ instrument, made }: SinglePanelProps) {
  const { t } = useTranslation();
  const latest = useQuery(latestPredictionQuery(instrument));
  const closes = useQuery(recentClosesQuery(instrument));
  const prediction = made ?? latest.data;
  const path = useMemo(() => (prediction ? [prediction] : []), [prediction]);
  return (
    <Panel
      title={`${instrument.exchange}:${instrument.ticker}`}
      description={t(made ? 'forecasts.made' : 'forecast.title')}
      aside={prediction && <ModelBadge prediction={prediction} />}
      data-testid="single"
    >
      {!prediction && latest.isPending && <Skeleton height={140} />}
      {!prediction && latest.isError && <ProblemAlert error={latest.error} onRetry={latest.refetch} />}
      {prediction === null && (
        <EmptyState icon={<IconSparkles size={26} />} title={t('forecast.none.title')}>
          {t('forecast.none.detail')}
        </EmptyState>
      )}
      {prediction && (
        <>
          <div key={prediction.prediction_id} className={made ? 'arrived' : undefined}>
            <ForecastFigures prediction={prediction} />
          </div>
          <PathChart closes={closes.data ?? []} path={path} height={220} />
          <Group justify="space-between">
            <MadeAt at={prediction.made_at} />
            <Button
              size="xs"
              variant="light"
              leftSection={<IconListSearch size={14} />}
              renderRoot={(props) => (
                <Link
                  to="/predict/$predictionId"
                  params={{ predictionId: prediction.prediction_id }}
                  {...props}
                />
              )}
              data-testid="explain"
            >
              {t('predictionPage.link')}
            </Button>
          </Group>
        </>
      )}
    </Panel>
  );
}
