import { Group, Select, SimpleGrid, Skeleton, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { curvesQuery, fitQuery } from '@/api/modelVersions';
import type { ModelVersion } from '@/api/models';
import { horizonScores } from '@/features/forecast/evaluation';
import { Panel } from '@/shared/ui/Panel';
import { ProblemAlert } from '@/shared/ui/States';
import { CalibrationChart } from './CalibrationChart';
import { CoverageChart } from './CoverageChart';
import { FitChart } from './FitChart';
import { ImportanceChart } from './ImportanceChart';
import { LearningChart } from './LearningChart';
import { ScoresPanel } from './ScoresPanel';
import { SkillChart } from './SkillChart';
import { useModelPage } from './useModelPage';
import { VerdictView } from './VerdictView';
import { WindowsChart } from './WindowsChart';

interface EvidenceTabProps {
  modelId: string;
  version: ModelVersion;
}

/** What speaks for and against a version: its scores, the gate's verdict, and curves of where they come from. */
export function EvidenceTab({ modelId, version }: EvidenceTabProps) {
  const { t } = useTranslation();
  const { search, update } = useModelPage();
  const curves = useQuery(curvesQuery(modelId, version.version));
  const scores = horizonScores(version.metrics);
  const horizons = scores.map((score) => score.horizon);
  const horizon = horizons.find((item) => item === search.horizon) ?? horizons[0] ?? 1;
  const score = scores.find((item) => item.horizon === horizon);
  // Most models are fitted in one step; a history that cannot be had is not worth an alarm.
  const fit = useQuery(fitQuery(modelId, version.version, horizon));
  return (
    <Stack gap="lg">
      <ScoresPanel scores={scores} />
      {version.verdict && (
        <Panel title={t('gate.title')} description={t('gate.subtitle')}>
          <VerdictView verdict={version.verdict} />
        </Panel>
      )}
      <Group justify="flex-end">
        <Select
          size="sm"
          w={220}
          aria-label={t('scores.horizon')}
          value={String(horizon)}
          data={horizons.map((item) => ({ value: String(item), label: t('models.ahead', { count: item }) }))}
          onChange={(value) => {
            update({ horizon: Number(value) === horizons[0] ? undefined : Number(value) });
          }}
          data-testid="horizon-select"
        />
      </Group>
      {curves.isPending && <Skeleton height={320} radius="lg" />}
      {curves.isError && <ProblemAlert error={curves.error} onRetry={curves.refetch} />}
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        {curves.data && (
          <>
            <SkillChart curve={curves.data.cumulative_skill.find((item) => item.horizon === horizon)} />
            <CoverageChart curve={curves.data.coverage.find((item) => item.horizon === horizon)} />
            <CalibrationChart curve={curves.data.calibration.find((item) => item.horizon === horizon)} />
          </>
        )}
        {score && <WindowsChart folds={score.folds} />}
        {fit.data && fit.data.train_loss.length > 0 && <FitChart fit={fit.data} />}
        {curves.data && (
          <>
            <LearningChart points={curves.data.learning_curve} />
            <ImportanceChart importance={curves.data.importance} />
          </>
        )}
      </SimpleGrid>
    </Stack>
  );
}
