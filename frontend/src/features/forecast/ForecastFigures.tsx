import { Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Prediction } from '@/api/predictions';
import { useFormat } from '@/shared/format/useFormat';
import { Change } from '@/shared/ui/Change';
import { IntervalBar } from './IntervalBar';
import { predictedChange } from './outcome';

/** The numbers of one forecast: the close, the change, the interval, the direction. */
export function ForecastFigures({ prediction }: { prediction: Prediction }) {
  const { t } = useTranslation();
  const format = useFormat();
  const up = prediction.probability_up;
  return (
    <Stack gap="sm">
      <Group justify="space-between" align="flex-end" wrap="nowrap">
        <div>
          <Text fz="xs" className="muted">
            {t('forecast.closeOn', {
              day: format.session(prediction.target_session),
              count: prediction.horizon,
            })}
          </Text>
          <Group gap="xs" align="baseline">
            <Text
              fz={26}
              fw={650}
              lh={1.2}
              data-testid="predicted-close"
              data-value={prediction.predicted_close}
            >
              {format.price(prediction.predicted_close)}
            </Text>
            <Text fw={600} fz="sm" component="span">
              <Change share={predictedChange(prediction)} />
            </Text>
          </Group>
        </div>
        {up != null && (
          <div style={{ textAlign: 'right' }}>
            <Text fz="xs" className="muted">
              {t('forecast.probabilityUp')}
            </Text>
            <Text fw={600} fz="md" data-testid="probability-up">
              {format.percent(up)}
            </Text>
          </div>
        )}
      </Group>
      <IntervalBar prediction={prediction} />
    </Stack>
  );
}
