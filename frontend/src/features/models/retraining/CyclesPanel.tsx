import { Group, SegmentedControl, Select, Skeleton } from '@mantine/core';
import { IconFilterOff, IconRefreshDot } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { allRetrainingsQuery } from '@/api/retraining';
import { Panel } from '@/shared/ui/Panel';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';
import { useModelsSearch } from '../list/useModelsSearch';
import { ENDED_STATES, OPEN_STATES } from './cycle';
import { CyclesTable } from './CyclesTable';
import { useAllModels } from './useAllModels';

/** As many as the API lists at once. */
const MOST = 500;
const STATES = { open: OPEN_STATES, ended: ENDED_STATES, all: [] } as const;
const SHOWN = ['open', 'ended', 'all'] as const;

/** The retrainings of all models: those under way, or those that ended. */
export function CyclesPanel() {
  const { t } = useTranslation();
  const { search } = useModelsSearch();
  const shown = search.cycles ?? 'open';
  const retrainings = useQuery(allRetrainingsQuery(STATES[shown], MOST));
  const { byId } = useAllModels();
  const rows = retrainings.data?.filter((item) => !search.of || item.model_id === search.of);
  return (
    <Panel
      title={t('retraining.all.title')}
      description={t('retraining.all.detail')}
      data-testid="all-retrainings"
    >
      <Filters />
      {retrainings.isPending && <Skeleton height={160} />}
      {retrainings.isError && <ProblemAlert error={retrainings.error} onRetry={retrainings.refetch} />}
      {rows?.length === 0 && <Nothing />}
      {rows && rows.length > 0 && <CyclesTable retrainings={rows} models={byId} />}
    </Panel>
  );
}

function Filters() {
  const { t } = useTranslation();
  const { search, update } = useModelsSearch();
  const { byId } = useAllModels();
  const models = [...(byId?.values() ?? [])].map(({ model_id, name }) => ({ value: model_id, label: name }));
  return (
    <Group gap="sm">
      <SegmentedControl
        size="xs"
        aria-label={t('retraining.all.show')}
        value={search.cycles ?? 'open'}
        onChange={(value) => {
          update({ cycles: value === 'open' ? undefined : value });
        }}
        data={SHOWN.map((value) => ({
          value,
          label: t(value === 'all' ? 'retraining.all.every' : `retraining.all.${value}`),
        }))}
      />
      <Select
        size="xs"
        w={{ base: '100%', xs: 240 }}
        aria-label={t('retraining.all.model')}
        placeholder={t('retraining.all.model')}
        searchable
        clearable
        value={search.of ?? null}
        data={models}
        onChange={(of) => {
          update({ of: of ?? undefined });
        }}
        nothingFoundMessage={t('models.nothing.title')}
        data-testid="retrainings-of"
      />
    </Group>
  );
}

function Nothing() {
  const { t } = useTranslation();
  const { search } = useModelsSearch();
  if (search.of !== undefined) {
    return <EmptyState icon={<IconFilterOff size={26} />} title={t('retraining.all.nothing')} />;
  }
  const kind = search.cycles === undefined ? 'open' : 'ended';
  return (
    <EmptyState icon={<IconRefreshDot size={26} />} title={t(`retraining.all.none.${kind}`)}>
      {t(`retraining.all.none.${kind}Detail`)}
    </EmptyState>
  );
}
