import { SimpleGrid, Text } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Prediction } from '@/api/predictions';
import { trackRecord } from '@/features/forecast/outcome';
import { useFormat } from '@/shared/format/useFormat';
import { Metric } from '@/shared/ui/Metric';
import { Panel } from '@/shared/ui/Panel';

/** How the predictions of this page did, beside what a random walk would have said. */
export function TrackRecordPanel({ history }: { history: UseQueryResult<Prediction[]> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const record = useMemo(() => trackRecord(history.data ?? []), [history.data]);
  if (record.settled === 0) return null;
  const share = (value: number | null, digits = 0) => (value === null ? '–' : format.percent(value, digits));
  return (
    <Panel
      title={t('record.title')}
      description={t('record.subtitle', { count: record.settled })}
      data-testid="track-record"
    >
      <SimpleGrid cols={{ base: 2, sm: 4 }}>
        <Metric label={t('record.error')}>{share(record.meanError, 2)}</Metric>
        <Metric label={t('record.randomWalk')}>{share(record.randomWalkError, 2)}</Metric>
        <Metric label={t('record.direction', { count: record.directions })}>
          {share(record.directionHits)}
        </Metric>
        <Metric label={t('record.coverage')}>
          {share(record.coverage)}{' '}
          {record.statedCoverage !== null && (
            <Text span fz="xs" fw={400} className="muted">
              {t('record.stated', { share: format.percent(record.statedCoverage) })}
            </Text>
          )}
        </Metric>
      </SimpleGrid>
    </Panel>
  );
}
