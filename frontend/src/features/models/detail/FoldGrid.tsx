import { Table, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { FoldMetrics } from '@/api/training';
import { useFormat } from '@/shared/format/useFormat';
import { ScrollTable } from '@/shared/ui/ScrollTable';
import classes from './FoldGrid.module.css';

/** Skill against the random walk on one test window; of a classifier, how far its ranking is from chance. */
function skillOf(fold: FoldMetrics): number | null {
  if (fold.rmse !== null) return 1 - (fold.rmse / fold.random_walk_rmse) ** 2;
  return fold.auc === null ? null : 2 * fold.auc - 1;
}

/** Each test window of each horizon as soon as it was forecast. */
export function FoldGrid({ folds }: { folds: readonly FoldMetrics[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const horizons = [...new Set(folds.map((fold) => fold.horizon))].sort((a, b) => a - b);
  const windows = Array.from({ length: folds[0]?.folds ?? 0 }, (_, index) => index + 1);
  const classifier = folds.every((fold) => fold.rmse === null);
  return (
    <div>
      <Text fz="sm" fw={600} mb={6}>
        {t(classifier ? 'trainings.folds.auc' : 'trainings.folds.skill')}
      </Text>
      <ScrollTable
        label={t('trainings.folds.label')}
        maxHeight={320}
        fz="xs"
        horizontalSpacing={6}
        verticalSpacing={4}
        data-testid="fold-grid"
        data-count={folds.length}
      >
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('scores.horizon')}</Table.Th>
            {windows.map((window) => (
              <Table.Th key={window} ta="center">
                {t('trainings.folds.window', { window })}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {horizons.map((horizon) => (
            <Table.Tr key={horizon}>
              <Table.Td>{horizon}</Table.Td>
              {windows.map((window) => {
                const fold = folds.find((item) => item.horizon === horizon && item.fold === window);
                const skill = fold ? skillOf(fold) : null;
                return (
                  <Table.Td
                    key={window}
                    ta="center"
                    className={skill === null ? undefined : skill > 0 ? classes.better : classes.worse}
                    title={fold && `${format.session(fold.first)} – ${format.session(fold.last)}`}
                  >
                    {skill === null ? '·' : format.change(skill)}
                  </Table.Td>
                );
              })}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </ScrollTable>
    </div>
  );
}
