import { Table, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { ModelComparison } from '@/api/modelVersions';
import { useFormat } from '@/shared/format/useFormat';
import { ScrollTable } from '@/shared/ui/ScrollTable';

/** How the predictions fared that each version served. */
export function SettledTable({ comparison }: { comparison: ModelComparison }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (comparison.settled.length === 0) {
    return (
      <Text fz="sm" className="muted">
        {t('compare.settled.none')}
      </Text>
    );
  }
  const share = (value: number | null, digits: number) =>
    value === null ? '–' : format.percent(value, digits);
  return (
    <ScrollTable label={t('compare.settled.title')} fz="sm" verticalSpacing={6}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('modelDetail.column.version')}</Table.Th>
          <Table.Th>{t('dataset.ticker')}</Table.Th>
          <Table.Th ta="right">{t('models.column.horizon')}</Table.Th>
          <Table.Th ta="right">{t('compare.sessions')}</Table.Th>
          <Table.Th ta="right">RMSE</Table.Th>
          <Table.Th ta="right">{t('scores.skill')}</Table.Th>
          <Table.Th ta="right">{t('scores.direction')}</Table.Th>
          <Table.Th ta="right">{t('scores.coverage')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {comparison.settled.map((row) => (
          <Table.Tr key={`${row.version}-${row.ticker}-${row.horizon}`}>
            <Table.Td>{row.version}</Table.Td>
            <Table.Td>
              {row.exchange}:{row.ticker}
            </Table.Td>
            <Table.Td ta="right">{row.horizon}</Table.Td>
            <Table.Td ta="right">{format.integer(row.n)}</Table.Td>
            <Table.Td ta="right">{format.percent(row.rmse, 2)}</Table.Td>
            <Table.Td ta="right">{share(row.skill, 2)}</Table.Td>
            <Table.Td ta="right">{share(row.hit_rate, 0)}</Table.Td>
            <Table.Td ta="right">{share(row.coverage, 0)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </ScrollTable>
  );
}
