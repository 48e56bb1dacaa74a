import { Button, Card, Skeleton, Stack, Text } from '@mantine/core';
import { IconBrain, IconFilterOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/access';
import { MODELS_PAGE, modelsQuery } from '@/api/models';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';
import { ModelFilterInputs } from './ModelFilterInputs';
import { ModelsTable } from './ModelsTable';
import { filtersOf, useModelsSearch } from './useModelsSearch';

/** The models that match the filters. */
export function ModelsPanel() {
  const { search } = useModelsSearch();
  const filters = filtersOf(search);
  const models = useQuery(modelsQuery(filters));
  const filtered = Object.values(filters).some(Boolean);
  return (
    <Card component="section">
      <Stack gap="md">
        <ModelFilterInputs />
        {models.isPending && <Skeleton height={280} />}
        {models.isError && <ProblemAlert error={models.error} onRetry={models.refetch} />}
        {models.data?.items.length === 0 && (filtered ? <NothingMatches /> : <NoModels />)}
        {models.data && models.data.items.length > 0 && <ModelsTable models={models.data.items} />}
        {models.data && models.data.total > MODELS_PAGE && <More total={models.data.total} />}
      </Stack>
    </Card>
  );
}

function More({ total }: { total: number }) {
  const { t } = useTranslation();
  return (
    <Text fz="sm" className="muted">
      {t('models.more', { shown: MODELS_PAGE, total })}
    </Text>
  );
}

function NothingMatches() {
  const { t } = useTranslation();
  const { update } = useModelsSearch();
  return (
    <EmptyState
      icon={<IconFilterOff size={26} />}
      title={t('models.nothing.title')}
      action={
        <Button
          variant="default"
          mt="sm"
          onClick={() => {
            update({
              exchange: undefined,
              ticker: undefined,
              panel: undefined,
              type: undefined,
              tag: undefined,
            });
          }}
        >
          {t('models.nothing.action')}
        </Button>
      }
    >
      {t('models.nothing.detail')}
    </EmptyState>
  );
}

function NoModels() {
  const { t } = useTranslation();
  const allowed = useMay('write');
  return (
    <EmptyState
      icon={<IconBrain size={26} />}
      title={t('models.empty.title')}
      action={
        allowed && (
          <Button mt="sm" renderRoot={(props) => <Link to="/models/new" {...props} />}>
            {t('models.new')}
          </Button>
        )
      }
    >
      {t('models.empty.detail')}
    </EmptyState>
  );
}
