import { Anchor, Box, Button, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { IconDatabaseOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { datasetsQuery, pricesQuery, type Dataset, type PriceBar } from '@/api/datasets';
import { latestPredictionQuery, predictionHistoryQuery } from '@/api/predictions';
import { PredictionDrawer } from '@/features/forecast/detail/PredictionDrawer';
import { useFormat } from '@/shared/format/useFormat';
import { toProblem } from '@/shared/problem';
import { Change } from '@/shared/ui/Change';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';
import { titled } from '@/shared/ui/title';
import { ChartPanel } from './ChartPanel';
import { ChartSkeleton } from './ChartSkeleton';
import { ForecastPanel } from './ForecastPanel';
import { FuturePanel } from './FuturePanel';
import { HistoryPanel } from './HistoryPanel';
import classes from './StockPage.module.css';
import { TrackRecordPanel } from './TrackRecordPanel';
import { TrainPanel } from './TrainPanel';
import { useInstrument, useStockSearch } from './useStock';

/** No such prices (404), or no such market or ticker at all (422): the page has nothing to show. */
const NOT_LOADED = [404, 422];

/** One list for "none yet": a new one at each render would draw the chart again. */
const NONE: never[] = [];

export function StockPage() {
  const instrument = useInstrument();
  const datasets = useQuery(datasetsQuery());
  const prices = useQuery(pricesQuery(instrument));
  const latest = useQuery(latestPredictionQuery(instrument));
  const history = useQuery(predictionHistoryQuery(instrument));
  const dataset = datasets.data?.find(
    (item) => item.exchange === instrument.exchange && item.ticker === instrument.ticker,
  );
  if (prices.isError && NOT_LOADED.includes(toProblem(prices.error).status))
    return <Unknown detail={toProblem(prices.error).detail} />;
  return (
    // A key, so that going to another instrument starts its panels afresh.
    <Stack gap="lg" key={`${instrument.exchange}:${instrument.ticker}`}>
      <Heading
        ticker={instrument.ticker}
        exchange={instrument.exchange}
        dataset={dataset}
        bars={prices.data}
      />
      <div className={classes.page}>
        <div className={classes.chart}>
          {prices.isPending && <ChartSkeleton />}
          {prices.isError && <ProblemAlert error={prices.error} onRetry={prices.refetch} />}
          {prices.data && (
            <ChartPanel bars={prices.data} history={history.data ?? NONE} newest={latest.data ?? null} />
          )}
        </div>
        <Stack gap="lg" className={classes.side}>
          <ForecastPanel instrument={instrument} latest={latest} />
          <TrainPanel instrument={instrument} />
          <FuturePanel instrument={instrument} />
        </Stack>
        <Stack gap="lg" className={classes.past}>
          <TrackRecordPanel history={history} />
          <HistoryPanel history={history} />
        </Stack>
      </div>
      <Detail />
    </Stack>
  );
}

function Detail() {
  const { search, update } = useStockSearch();
  return (
    <PredictionDrawer
      predictionId={search.prediction}
      onClose={() => {
        update({ prediction: undefined });
      }}
    />
  );
}

/** On a phone a row of its own, before the price has come as well as afterwards. */
const PRICE_WIDTH = { base: '100%', sm: 'auto' };

function Heading(props: {
  exchange: string;
  ticker: string;
  dataset: Dataset | undefined;
  bars: readonly PriceBar[] | undefined;
}) {
  const { t } = useTranslation();
  const format = useFormat();
  useDocumentTitle(titled(props.ticker));
  const last = props.bars?.at(-1);
  const before = props.bars?.at(-2);
  return (
    <Group justify="space-between" align="flex-end" gap="md">
      <div>
        <Anchor renderRoot={(rest) => <Link to="/" {...rest} />} fz="sm">
          {t('nav.overview')}
        </Anchor>
        <Group gap="sm" align="baseline">
          <Title order={1}>{props.ticker}</Title>
          <Text className="muted">
            {props.exchange}
            {props.dataset?.name ? ` · ${props.dataset.name}` : ''}
          </Text>
        </Group>
      </div>
      {!props.bars && <Skeleton w={PRICE_WIDTH} h={52} />}
      {last && (
        <Box w={PRICE_WIDTH}>
          <Group gap="xs" align="baseline">
            <Text fz={28} fw={650} lh={1.2}>
              {format.price(props.dataset?.last_close ?? last.close)}
            </Text>
            {before && (
              <Text fw={600} component="span">
                <Change share={last.close / before.close - 1} size={16} />
              </Text>
            )}
          </Group>
          <Text fz="xs" className="muted">
            {t('stock.closeOf', { day: format.session(last.session) })}
          </Text>
        </Box>
      )}
    </Group>
  );
}

function Unknown({ detail }: { detail: string }) {
  const { t } = useTranslation();
  const { exchange, ticker } = useInstrument();
  return (
    <EmptyState icon={<IconDatabaseOff size={26} />} title={t('stock.unknown.title', { exchange, ticker })}>
      <Stack gap="xs" align="center">
        <Text fz="sm">{detail}</Text>
        <Text fz="sm">{t('stock.unknown.hint')}</Text>
        <Button
          size="xs"
          renderRoot={(rest) => <Link to="/datasets" search={{ load: 'yfinance' }} {...rest} />}
        >
          {t('etl.open')}
        </Button>
        <Anchor renderRoot={(rest) => <Link to="/" {...rest} />}>{t('error.home')}</Anchor>
      </Stack>
    </EmptyState>
  );
}
