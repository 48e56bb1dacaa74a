import { Group, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Prediction } from '@/api/predictions';
import { useFormat } from '@/shared/format/useFormat';
import classes from './IntervalBar.module.css';

/** Room on both sides of the bar, as a share of what is on it. */
const MARGIN = 0.08;

/** The interval as a bar, with the last close and the predicted one on it. */
export function IntervalBar({ prediction }: { prediction: Prediction }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { lower, upper, level, last_close: last, predicted_close: predicted } = prediction;
  if (lower == null || upper == null) {
    return (
      <Text fz="xs" className="muted">
        {t('forecast.noInterval')}
      </Text>
    );
  }
  const reach = Math.max(upper, last) - Math.min(lower, last);
  const low = Math.min(lower, last) - MARGIN * reach;
  const high = Math.max(upper, last) + MARGIN * reach;
  const at = (value: number) => `${(((value - low) / (high - low || 1)) * 100).toFixed(2)}%`;
  return (
    <div>
      <div className={classes.bar} aria-hidden>
        <span className={classes.band} style={{ left: at(lower), right: `calc(100% - ${at(upper)})` }} />
        <span className={classes.last} style={{ left: at(last) }} />
        <span className={classes.predicted} style={{ left: at(predicted) }} />
      </div>
      <Group justify="space-between" mt={6} wrap="nowrap">
        <Text fz="xs" className="muted" data-testid="forecast-lower">
          {format.price(lower)}
        </Text>
        {level != null && (
          <Text fz="xs" className="muted">
            {t('forecast.interval', { level: format.percent(level) })}
          </Text>
        )}
        <Text fz="xs" className="muted" data-testid="forecast-upper">
          {format.price(upper)}
        </Text>
      </Group>
    </div>
  );
}
