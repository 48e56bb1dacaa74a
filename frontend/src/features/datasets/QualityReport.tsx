import { Alert, Code, Group, Progress, Skeleton, Stack, Text, Title } from '@mantine/core';
import { IconCircleCheck } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { qualityQuery, type DatasetQuality } from '@/api/datasetActions';
import { useFormat } from '@/shared/format/useFormat';
import type { Instrument } from '@/shared/instrument';
import { ProblemAlert } from '@/shared/ui/States';
import { RefusedRows } from './RefusedRows';

/** Sessions of the exchange that are missing, and rows that the quality gate refused, with its reasons. */
export function QualityReport({ instrument }: { instrument: Instrument }) {
  const { t } = useTranslation();
  const quality = useQuery(qualityQuery(instrument));
  return (
    <Stack gap="sm" data-testid="quality">
      <Title order={3} fz="md">
        {t('quality.title')}
      </Title>
      {quality.isPending && <Skeleton height={90} />}
      {quality.isError && <ProblemAlert error={quality.error} onRetry={quality.refetch} />}
      {quality.data && <Report quality={quality.data} />}
    </Stack>
  );
}

function Report({ quality }: { quality: DatasetQuality }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { sessions_stored: stored, sessions_expected: expected } = quality;
  const share = expected === 0 ? 1 : stored / expected;
  return (
    <>
      <div>
        <Group justify="space-between" mb={4}>
          <Text fz="sm">
            {t('quality.stored', { stored: format.integer(stored), expected: format.integer(expected) })}
          </Text>
          <Text fz="sm" fw={600}>
            {format.percent(share, share === 1 ? 0 : 2)}
          </Text>
        </Group>
        <Progress
          value={share * 100}
          color={share === 1 ? 'teal' : 'yellow'}
          aria-label={t('quality.title')}
        />
      </div>
      {quality.sessions_missing === 0 && quality.rows_refused === 0 && (
        <Alert color="teal" icon={<IconCircleCheck size={18} />}>
          {t('quality.nothing')}
        </Alert>
      )}
      {quality.missing.length > 0 && <Missing quality={quality} />}
      {quality.refused.length > 0 && <RefusedRows quality={quality} />}
    </>
  );
}

function Missing({ quality }: { quality: DatasetQuality }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <div>
      <Text fz="sm" fw={600} mb={6}>
        {t('quality.missing', { count: quality.sessions_missing })}
      </Text>
      <Group gap={6} mah={140} style={{ overflowY: 'auto' }}>
        {quality.missing.map((day) => (
          <Code key={day}>{format.session(day)}</Code>
        ))}
      </Group>
    </div>
  );
}
