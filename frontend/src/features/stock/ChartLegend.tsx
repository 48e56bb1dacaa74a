import { useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { atSession } from '@/shared/charts/atSession';
import type { IndicatorLine } from '@/shared/charts/indicators';
import type { ChartData } from '@/shared/charts/priceChart';
import { useFormat } from '@/shared/format/useFormat';
import classes from './ChartPanel.module.css';
import type { Hovered } from './hovered';

interface ChartLegendProps {
  data: ChartData;
  indicators: readonly IndicatorLine[];
  hovered: Hovered;
}

/** The numbers of the session under the cursor; of the last one otherwise. */
export function ChartLegend({ data, indicators, hovered }: ChartLegendProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const session = useSyncExternalStore(hovered.subscribe, hovered.get);
  const day = session ?? data.bars.at(-1)?.session;
  if (!day) return null;
  const bar = atSession(data.bars, day);
  const forecast = atSession(data.past, day) ?? atSession(data.future.slice(1), day);
  const tone = bar && bar.close < bar.open ? 'down' : 'up';
  return (
    <div className={classes.legend} aria-hidden>
      <strong>{format.session(day)}</strong>
      {bar && (
        <>
          {(['open', 'high', 'low', 'close'] as const).map((field) => (
            <span key={field}>
              <span className="muted">{t(`chart.${field}`)} </span>
              <span className={tone}>{format.price(bar[field])}</span>
            </span>
          ))}
          <span>
            <span className="muted">{t('chart.volume')} </span>
            {format.compact(bar.volume)}
          </span>
        </>
      )}
      {indicators.map((line) => {
        const value = atSession(line.points, day)?.value ?? null;
        return (
          <span key={line.id} style={{ color: line.color }}>
            {line.id} {value === null ? '–' : format.legend(value)}
          </span>
        );
      })}
      {forecast && (
        <span style={{ color: 'var(--forecast)' }}>
          {t('chart.forecast')} {format.price(forecast.value)}
          {forecast.lower !== null &&
            forecast.upper !== null &&
            ` (${format.price(forecast.lower)} – ${format.price(forecast.upper)})`}
        </span>
      )}
    </div>
  );
}
