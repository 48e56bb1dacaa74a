import { SimpleGrid, Skeleton } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/shared/format/useFormat';
import { MetricTile } from './MetricTile';
import { figures, type Scrapes } from './overview';

const MEBIBYTE = 1024 * 1024;

export function MetricTiles({ scrapes }: { scrapes: Scrapes }) {
  const { t } = useTranslation();
  const format = useFormat();
  const shown = useMemo(() => figures(scrapes), [scrapes]);
  const perSecond = (value: number) =>
    t('unit.perSecond', { value: format.number(value, value < 10 ? 1 : 0) });
  const whole = (value: number) => format.integer(value);
  const formats = {
    requests: perSecond,
    latency: (value: number) =>
      t('unit.milliseconds', { value: format.number(value * 1000, value < 0.1 ? 1 : 0) }),
    errors: (value: number) => format.percent(value, 1),
    predictions: perSecond,
    outbox: whole,
    lag: whole,
    models: whole,
    memory: (value: number) => t('unit.mebibytes', { value: format.integer(value / MEBIBYTE) }),
  };
  const cols = { base: 2, sm: 4 };
  if (scrapes.size === 0) {
    return (
      <SimpleGrid cols={cols} data-testid="loading">
        {Object.keys(formats).map((id) => (
          <Skeleton key={id} height={122} radius="lg" />
        ))}
      </SimpleGrid>
    );
  }
  return (
    <SimpleGrid cols={cols}>
      {(Object.keys(formats) as (keyof typeof formats)[]).map((id) => (
        <MetricTile
          key={id}
          id={id}
          label={t(`monitoring.${id}.label`)}
          hint={t(`monitoring.${id}.hint`)}
          series={shown[id]}
          format={formats[id]}
        />
      ))}
    </SimpleGrid>
  );
}
