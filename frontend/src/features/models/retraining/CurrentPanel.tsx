import { Group, Skeleton, Stack, Text } from '@mantine/core';
import { IconRefreshDot, IconSchool } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { ModelDetail } from '@/api/models';
import { retrainingEvidenceQuery, type Retraining } from '@/api/retraining';
import { Panel } from '@/shared/ui/Panel';
import { EmptyState } from '@/shared/ui/States';
import { CycleActions, StartRetraining } from './CycleActions';
import { CycleBadge } from './CycleBadge';
import { CycleFacts, WatchProgress } from './CycleFacts';
import { CycleSteps } from './CycleSteps';
import { Reasons } from './Reasons';
import { StageTrack } from './StageTrack';

interface CurrentPanelProps {
  model: ModelDetail;
  /** undefined: not known yet; null: none is under way */
  retraining: Retraining | null | undefined;
}

/** The retraining that is under way: how far it is, why it began, and what a person may decide about it. */
export function CurrentPanel({ model, retraining }: CurrentPanelProps) {
  const { t } = useTranslation();
  if (retraining) return <UnderWay retraining={retraining} />;
  const serves = model.aliases.champion !== undefined;
  return (
    <Panel
      title={t('modelDetail.tab.retraining')}
      aside={retraining === null && serves && <StartRetraining modelId={model.model_id} />}
      data-testid="current-retraining"
      data-state={retraining === null ? 'none' : undefined}
    >
      {retraining === undefined ? (
        <Skeleton height={120} />
      ) : serves ? (
        <EmptyState icon={<IconRefreshDot size={26} />} title={t('retraining.none.title')}>
          {t('retraining.none.detail')}
        </EmptyState>
      ) : (
        <EmptyState icon={<IconSchool size={26} />} title={t('retraining.nothingServes.title')}>
          {t('retraining.nothingServes.detail')}
        </EmptyState>
      )}
    </Panel>
  );
}

function UnderWay({ retraining }: { retraining: Retraining }) {
  const { t } = useTranslation();
  const { state, champion, challenger } = retraining;
  const evidence = useQuery(retrainingEvidenceQuery(retraining.model_id));
  return (
    <Panel
      title={
        <Group gap="xs">
          {t('retraining.current.title')}
          <CycleBadge state={state} />
        </Group>
      }
      description={t(`retraining.about.${state}`, { champion, challenger: challenger ?? '–' })}
      aside={<CycleActions retraining={retraining} />}
      data-testid="current-retraining"
      data-state={state}
    >
      <Stack gap="lg">
        <StageTrack retraining={retraining} />
        <WatchProgress retraining={retraining} watched={evidence.data?.watched_sessions ?? null} />
        <CycleFacts retraining={retraining} />
        <Stack gap={6}>
          <Text fz="xs" className="muted">
            {t('retraining.because')}
          </Text>
          <Reasons reasons={retraining.reasons} />
        </Stack>
        <CycleSteps retraining={retraining} />
      </Stack>
    </Panel>
  );
}
