import { Alert, Anchor, Button, Card, Group, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { recentClosesQuery, type Close, type Dataset } from '@/api/datasets';
import { latestPredictionQuery, usePredict, type Prediction } from '@/api/predictions';
import { ForecastFigures } from '@/features/forecast/ForecastFigures';
import { MadeAt } from '@/features/forecast/MadeAt';
import { Freshness } from '@/features/forecast/Freshness';
import { ModelBadge } from '@/features/forecast/ModelBadge';
import { SkillBadge } from '@/features/forecast/SkillBadge';
import { Sparkline } from '@/shared/charts/Sparkline';
import { useFormat } from '@/shared/format/useFormat';
import { Change } from '@/shared/ui/Change';
import { ProblemAlert } from '@/shared/ui/States';
import classes from './ForecastCard.module.css';

/** One instrument at a glance: where it stands, where it is forecast to go, and who says so. */
export function ForecastCard({ dataset }: { dataset: Dataset }) {
  const latest = useQuery(latestPredictionQuery(dataset));
  return (
    <Card component="article" data-testid={`forecast-${dataset.exchange}-${dataset.ticker}`} h="100%">
      <Stack gap="md" h="100%">
        <CardHead dataset={dataset} />
        {/* As high without a forecast as with one, which may come at any time. */}
        <Stack gap="md" className={classes.forecast}>
          {latest.isPending && <Skeleton flex={1} />}
          {latest.isError && <ProblemAlert error={latest.error} onRetry={latest.refetch} />}
          {latest.data === null && <NoForecast dataset={dataset} />}
          {latest.data && <CardForecast prediction={latest.data} />}
        </Stack>
      </Stack>
    </Card>
  );
}

/** The last change; a session that the sparkline has not met yet counts from its last close. */
function lastChange(closes: readonly Close[] | undefined, dataset: Dataset): number | null {
  const before = closes?.findLast((close) => close.session < dataset.last_session);
  return before ? dataset.last_close / before.close - 1 : null;
}

function CardHead({ dataset }: { dataset: Dataset }) {
  const { t } = useTranslation();
  const format = useFormat();
  const closes = useQuery(recentClosesQuery(dataset));
  const change = lastChange(closes.data, dataset);
  const values = closes.data?.map((close) => close.close) ?? [];
  const rising = (values.at(-1) ?? 0) >= (values[0] ?? 0);
  return (
    <div>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <div className={classes.name}>
          <Anchor
            renderRoot={(props) => (
              <Link
                to="/stock/$exchange/$ticker"
                params={{ exchange: dataset.exchange, ticker: dataset.ticker }}
                {...props}
              />
            )}
            fw={650}
            fz="lg"
            c="inherit"
          >
            {dataset.ticker}
          </Anchor>
          <Text fz="xs" className="muted" truncate>
            {dataset.name || dataset.exchange}
          </Text>
          <Freshness dataset={dataset} />
        </div>
        <div className={classes.last}>
          <Text fw={600} data-testid="last-close">
            {format.price(dataset.last_close)}
          </Text>
          <Text fz="xs" component="div">
            {change !== null && <Change share={change} size={12} />}
          </Text>
        </div>
      </Group>
      <div className={classes.spark}>
        {closes.isPending ? (
          <Skeleton height={44} />
        ) : (
          <Sparkline
            values={values}
            tone={rising ? 'up' : 'down'}
            label={t('overview.sparkline', { ticker: dataset.ticker, count: values.length })}
          />
        )}
      </div>
    </div>
  );
}

function CardForecast({ prediction }: { prediction: Prediction }) {
  return (
    <>
      <div key={prediction.prediction_id} className="arrived">
        <ForecastFigures prediction={prediction} />
      </div>
      {/* Not beside each other: how long ago it was is of another width every second, and would wrap in and out. */}
      <Stack gap={6} mt="auto">
        <Group gap={6}>
          <ModelBadge prediction={prediction} />
          <SkillBadge prediction={prediction} />
        </Group>
        <MadeAt at={prediction.made_at} />
      </Stack>
    </>
  );
}

function NoForecast({ dataset }: { dataset: Dataset }) {
  const { t } = useTranslation();
  const predict = usePredict(dataset);
  return (
    <Alert color="gray" variant="light" title={t('forecast.none.title')} flex={1}>
      <Stack gap="sm" align="flex-start">
        <Text fz="sm">{t('forecast.none.detail')}</Text>
        <Button
          size="xs"
          loading={predict.isPending}
          onClick={() => {
            predict.mutate(1);
          }}
        >
          {t('predict.now')}
        </Button>
        {predict.isError && <ProblemAlert error={predict.error} />}
      </Stack>
    </Alert>
  );
}
