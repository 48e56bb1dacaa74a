import { Group, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Prediction } from '@/api/predictions';
import { useFormat } from '@/shared/format/useFormat';
import classes from './IntervalBar.module.css';

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
  const low = Math.min(lower, last);
  const high = Math.max(upper, last);
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
