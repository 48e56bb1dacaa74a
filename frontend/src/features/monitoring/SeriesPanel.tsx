import { CloseButton, SimpleGrid, Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { monitoredSeriesQuery } from '@/api/monitoring';
import { instrumentKey, type Instrument } from '@/shared/instrument';
import { Panel } from '@/shared/ui/Panel';
import { ProblemAlert } from '@/shared/ui/States';
import { groupSeries } from './numbers';
import { SeriesChart } from './SeriesChart';

/** Every number of a ticker over the sessions, a chart for each measure. */
export function SeriesPanel({ instrument, onClose }: { instrument: Instrument; onClose: () => void }) {
  const { t } = useTranslation();
  const series = useQuery(monitoredSeriesQuery(instrument));
  const groups = useMemo(() => groupSeries(series.data ?? []), [series.data]);
  return (
    <Panel
      title={t('forecastQuality.overTimeOf', { ticker: instrumentKey(instrument) })}
      aside={<CloseButton aria-label={t('action.close')} onClick={onClose} />}
      data-testid="monitored-series"
    >
      {series.isPending && <Skeleton height={280} />}
      {series.isError && <ProblemAlert error={series.error} onRetry={series.refetch} />}
      {series.data && groups.length === 0 && (
        <Text fz="sm" className="muted">
          {t('forecastQuality.noSeries')}
        </Text>
      )}
      <SimpleGrid cols={{ base: 1, md: 2, xl: 3 }} spacing="lg">
        {groups.map((group) => (
          <SeriesChart key={`${group.monitor} ${group.measure}`} group={group} />
        ))}
      </SimpleGrid>
    </Panel>
  );
}
