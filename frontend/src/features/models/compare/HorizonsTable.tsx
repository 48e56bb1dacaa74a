import { Table, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { ModelComparison } from '@/api/modelVersions';
import { useFormat } from '@/shared/format/useFormat';
import { ScrollTable } from '@/shared/ui/ScrollTable';

/** Below this a difference counts as more than luck. */
const SIGNIFICANT = 0.05;

type Row = ModelComparison['horizons'][number];

/** Which of the two is better beyond chance; null when neither is. */
function winner({ p_a_worse: aWorse, p_b_worse: bWorse }: Row): 'a' | 'b' | null {
  if (bWorse !== null && bWorse < SIGNIFICANT) return 'a';
  return aWorse !== null && aWorse < SIGNIFICANT ? 'b' : null;
}

/** Errors of both on the same sessions, with the chance that the difference is luck. */
export function HorizonsTable({ comparison }: { comparison: ModelComparison }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { a, b, horizons } = comparison;
  if (horizons.length === 0) {
    return (
      <Text fz="sm" className="muted">
        {t('compare.same.none')}
      </Text>
    );
  }
  const p = (value: number | null) => (value === null ? '–' : format.number(value, 3));
  return (
    <ScrollTable label={t('compare.same.title')} fz="sm" verticalSpacing={6} data-testid="compare-horizons">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('models.column.horizon')}</Table.Th>
          <Table.Th ta="right">{t('compare.sessions')}</Table.Th>
          <Table.Th ta="right">{t('compare.rmse', { version: a.version })}</Table.Th>
          <Table.Th ta="right">{t('compare.rmse', { version: b.version })}</Table.Th>
          <Table.Th ta="right" title={t('compare.worseHint')}>
            {t('compare.worse', { version: a.version })}
          </Table.Th>
          <Table.Th ta="right" title={t('compare.worseHint')}>
            {t('compare.worse', { version: b.version })}
          </Table.Th>
          <Table.Th>{t('compare.verdict')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {horizons.map((row) => {
          const won = winner(row);
          return (
            <Table.Tr key={row.horizon}>
              <Table.Td>{row.horizon}</Table.Td>
              <Table.Td ta="right">{format.integer(row.sessions)}</Table.Td>
              <Table.Td ta="right" fw={won === 'a' ? 650 : undefined}>
                {format.percent(row.rmse_a, 3)}
              </Table.Td>
              <Table.Td ta="right" fw={won === 'b' ? 650 : undefined}>
                {format.percent(row.rmse_b, 3)}
              </Table.Td>
              <Table.Td ta="right">{p(row.p_a_worse)}</Table.Td>
              <Table.Td ta="right">{p(row.p_b_worse)}</Table.Td>
              <Table.Td className="nowrap">
                {won === null
                  ? t('compare.noDifference')
                  : t('compare.better', { version: won === 'a' ? a.version : b.version })}
              </Table.Td>
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </ScrollTable>
  );
}
