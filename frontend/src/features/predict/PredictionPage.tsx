import { Anchor, Card, Group, SimpleGrid, Skeleton, Stack } from '@mantine/core';
import { IconMapQuestion } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { predictionDetailQuery, type PredictionDetail } from '@/api/predictionDetail';
import { ExplanationPanel } from '@/features/forecast/detail/ExplanationPanel';
import { PredictionFacts } from '@/features/forecast/detail/PredictionFacts';
import { ForecastFigures } from '@/features/forecast/ForecastFigures';
import { MadeAt } from '@/features/forecast/MadeAt';
import { ModelBadge } from '@/features/forecast/ModelBadge';
import { useFormat } from '@/shared/format/useFormat';
import { toProblem } from '@/shared/problem';
import { PageHeader } from '@/shared/ui/PageHeader';
import { Panel } from '@/shared/ui/Panel';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';

const route = getRouteApi('/predict/$predictionId');

/** One prediction in full, at an address of its own: what was forecast, what became of it, and how it came about. */
export function PredictionPage() {
  const { t } = useTranslation();
  const { predictionId } = route.useParams();
  const prediction = useQuery(predictionDetailQuery(predictionId));
  return (
    <Stack gap="lg">
      <Anchor renderRoot={(props) => <Link to="/predict" {...props} />} fz="sm">
        {t('nav.predict')}
      </Anchor>
      {prediction.isPending && <Skeleton height={520} radius="lg" />}
      {prediction.isError &&
        ([404, 422].includes(toProblem(prediction.error).status) ? (
          <EmptyState icon={<IconMapQuestion size={26} />} title={t('predictionPage.unknown.title')}>
            {t('predictionPage.unknown.detail')}
          </EmptyState>
        ) : (
          <ProblemAlert error={prediction.error} onRetry={prediction.refetch} />
        ))}
      {prediction.data && <Shown prediction={prediction.data} />}
    </Stack>
  );
}

function Shown({ prediction }: { prediction: PredictionDetail }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { exchange, ticker } = prediction;
  return (
    <>
      <PageHeader
        title={t('predictionPage.title', { ticker, day: format.session(prediction.target_session) })}
        subtitle={
          <Group component="span" gap="sm">
            <Anchor
              fz="sm"
              renderRoot={(props) => (
                <Link to="/stock/$exchange/$ticker" params={{ exchange, ticker }} {...props} />
              )}
            >
              {exchange}:{ticker}
            </Anchor>
            <MadeAt at={prediction.made_at} />
          </Group>
        }
        actions={<ModelBadge prediction={prediction} />}
      />
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        <Stack gap="lg">
          <Panel title={t('chart.forecast')}>
            <ForecastFigures prediction={prediction} />
          </Panel>
          <Card component="section">
            <PredictionFacts detail={prediction} />
          </Card>
        </Stack>
        <Card component="section">
          <ExplanationPanel detail={prediction} />
        </Card>
      </SimpleGrid>
    </>
  );
}
