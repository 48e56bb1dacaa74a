import { Text } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { DatasetQuality } from '@/api/datasetActions';
import { useApiSentence } from '@/i18n/sentences';
import { useFormat } from '@/shared/format/useFormat';
import type { Column } from '@/shared/table/columns';
import { DataTable } from '@/shared/table/DataTable';

type Refused = DatasetQuality['refused'][number];

/** Rows that the quality gate refused, newest first. */
export function RefusedRows({ quality }: { quality: DatasetQuality }) {
  const { t } = useTranslation();
  const format = useFormat();
  const sentence = useApiSentence();
  const columns = useMemo(
    (): readonly Column<Refused>[] => [
      {
        id: 'session',
        header: t('quality.session'),
        value: (row) => row.session ?? null,
        cell: (row) => (row.session ? <span className="nowrap">{format.session(row.session)}</span> : '–'),
      },
      { id: 'reason', header: t('quality.reason'), value: (row) => sentence(row.reason) },
      {
        id: 'resolved',
        header: t('quality.state'),
        value: (row) => row.resolved_at ?? null,
        cell: (row) => t(row.resolved_at ? 'quality.resolved' : 'quality.open'),
      },
    ],
    [t, format, sentence],
  );
  return (
    <div>
      <Text fz="sm" fw={600} mb={6}>
        {t('quality.refused', { count: quality.rows_refused, resolved: quality.rows_resolved })}
      </Text>
      <DataTable
        label={t('quality.refusedLabel')}
        columns={columns}
        rows={quality.refused}
        rowKey={(row) => `${row.seen_at} ${row.row_number ?? ''} ${row.session ?? ''} ${row.reason}`}
        csv={`${quality.exchange}-${quality.ticker}-refused`}
        maxHeight={280}
      />
    </div>
  );
}
