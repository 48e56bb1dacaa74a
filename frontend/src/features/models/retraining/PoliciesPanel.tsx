import { SegmentedControl, Skeleton } from '@mantine/core';
import { IconBrain, IconFilterOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { ListedModel } from '@/api/models';
import { retrainingPoliciesQuery, type ModelRetrainingPolicy, type RetrainingPolicy } from '@/api/retraining';
import { Panel } from '@/shared/ui/Panel';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';
import { useModelsSearch } from '../list/useModelsSearch';
import { PoliciesTable, type PolicyRow } from './PoliciesTable';
import { TRIGGERS } from '@/features/retraining/policyForm';
import { useAllModels } from './useAllModels';

const FILTERS = ['any', 'automatic', 'propose', 'off'] as const;

/** The boldest thing that a model's triggers do. */
function modeOf(policy: RetrainingPolicy | null): 'automatic' | 'propose' | 'off' {
  const modes = policy ? TRIGGERS.map((trigger) => policy[trigger].mode) : [];
  return modes.includes('automatic') ? 'automatic' : modes.includes('propose') ? 'propose' : 'off';
}

function rowsOf(
  models: readonly ListedModel[],
  policies: readonly ModelRetrainingPolicy[],
  mode: string | undefined,
): PolicyRow[] {
  const given = new Map(policies.map((item) => [item.model_id, item.policy]));
  return models
    .map((model) => ({ model, policy: given.get(model.model_id) ?? null }))
    .filter((row) => mode === undefined || modeOf(row.policy) === mode);
}

/** Every model with what lets it be trained again. */
export function PoliciesPanel() {
  const { t } = useTranslation();
  const { search } = useModelsSearch();
  const { models } = useAllModels();
  const policies = useQuery(retrainingPoliciesQuery());
  const listed = models.data?.items;
  const rows = useMemo(
    () => listed && policies.data && rowsOf(listed, policies.data, search.mode),
    [listed, policies.data, search.mode],
  );
  const failed = models.isError ? models : policies.isError ? policies : null;
  return (
    <Panel
      title={t('retraining.policies.title')}
      description={t('retraining.policies.detail')}
      data-testid="all-policies"
    >
      <ModeFilter />
      {!rows && !failed && <Skeleton height={200} />}
      {failed && <ProblemAlert error={failed.error} onRetry={failed.refetch} />}
      {rows?.length === 0 &&
        (search.mode === undefined ? (
          <EmptyState icon={<IconBrain size={26} />} title={t('retraining.policies.none.title')}>
            {t('retraining.policies.none.detail')}
          </EmptyState>
        ) : (
          <EmptyState icon={<IconFilterOff size={26} />} title={t('retraining.policies.nothing')} />
        ))}
      {rows && rows.length > 0 && <PoliciesTable rows={rows} />}
    </Panel>
  );
}

function ModeFilter() {
  const { t } = useTranslation();
  const { search, update } = useModelsSearch();
  return (
    <SegmentedControl
      size="xs"
      style={{ alignSelf: 'flex-start' }}
      aria-label={t('retraining.policies.filter')}
      value={search.mode ?? 'any'}
      onChange={(value) => {
        update({ mode: value === 'any' ? undefined : value });
      }}
      data={FILTERS.map((value) => ({ value, label: t(`retraining.policies.${value}`) }))}
    />
  );
}
