import { Table } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/shared/format/useFormat';
import { ScrollTable } from '@/shared/ui/ScrollTable';
import type { HorizonScore } from './evaluation';

/** What walk-forward validation found, horizon by horizon. */
export function ScoresTable({ scores }: { scores: readonly HorizonScore[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const share = (value: number | null, digits = 0) => (value === null ? '–' : format.percent(value, digits));
  return (
    <ScrollTable label={t('scores.title')} maxHeight={280} fz="xs" verticalSpacing={6} horizontalSpacing={6}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('scores.horizon')}</Table.Th>
          <Table.Th ta="right" title={t('scores.skillHint')}>
            {t('scores.skill')}
          </Table.Th>
          <Table.Th ta="right" title={t('scores.pHint')}>
            p
          </Table.Th>
          <Table.Th ta="right">{t('scores.direction')}</Table.Th>
          <Table.Th ta="right">{t('scores.coverage')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {scores.map((score) => (
          <Table.Tr key={score.horizon}>
            <Table.Td>{score.horizon}</Table.Td>
            <Table.Td ta="right" fw={600} className={score.beatsRandomWalk ? 'up' : undefined}>
              {share(score.skill, 1)}
            </Table.Td>
            <Table.Td ta="right">{score.pValue === null ? '–' : format.number(score.pValue)}</Table.Td>
            <Table.Td ta="right">{share(score.directionAccuracy)}</Table.Td>
            <Table.Td ta="right">{share(score.coverage)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </ScrollTable>
  );
}
