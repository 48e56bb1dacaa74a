import { Drawer, Skeleton, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { predictionDetailQuery, type PredictionDetail } from '@/api/predictionDetail';
import { ForecastFigures } from '@/features/forecast/ForecastFigures';
import { ModelBadge } from '@/features/forecast/ModelBadge';
import { useFormat } from '@/shared/format/useFormat';
import { ProblemAlert } from '@/shared/ui/States';
import { ExplanationPanel } from './ExplanationPanel';
import { PredictionFacts } from './PredictionFacts';

interface PredictionDrawerProps {
  /** undefined: it is closed */
  predictionId: string | undefined;
  onClose: () => void;
}

/** One prediction: what it said, what came of it, which model and data made it, and why it says what it says. */
export function PredictionDrawer({ predictionId, onClose }: PredictionDrawerProps) {
  const { t } = useTranslation();
  return (
    <Drawer
      opened={predictionId !== undefined}
      onClose={onClose}
      position="right"
      size="lg"
      title={t('detail.title')}
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      {predictionId !== undefined && <Content predictionId={predictionId} />}
    </Drawer>
  );
}

function Content({ predictionId }: { predictionId: string }) {
  const detail = useQuery(predictionDetailQuery(predictionId));
  if (detail.isPending) return <Skeleton height={420} />;
  if (detail.isError) return <ProblemAlert error={detail.error} onRetry={detail.refetch} />;
  return <Detail detail={detail.data} />;
}

function Detail({ detail }: { detail: PredictionDetail }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Stack gap="xl" data-testid="prediction-detail">
      <Stack gap="sm">
        <ModelBadge prediction={detail} />
        <ForecastFigures prediction={detail} />
        <span className="muted" style={{ fontSize: 'var(--mantine-font-size-xs)' }}>
          {t('detail.from', {
            ticker: detail.ticker,
            price: format.price(detail.last_close),
            day: format.session(detail.as_of),
          })}
        </span>
      </Stack>
      <ExplanationPanel detail={detail} />
      <PredictionFacts detail={detail} />
    </Stack>
  );
}
