import { Anchor, Skeleton, Stack } from '@mantine/core';
import { IconArrowsDiff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { compareQuery, type ModelComparison } from '@/api/modelVersions';
import { PageHeader } from '@/shared/ui/PageHeader';
import { Panel } from '@/shared/ui/Panel';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';
import { HorizonsTable } from './HorizonsTable';
import { SettledTable } from './SettledTable';
import { VersionsSideBySide } from './VersionsSideBySide';

const route = getRouteApi('/models/$modelId/compare');

/** Two versions of what serves a ticker, side by side. */
export function ComparePage() {
  const { t } = useTranslation();
  const { modelId } = route.useParams();
  const { a, b } = route.useSearch();
  return (
    <Stack gap="lg">
      <Anchor
        renderRoot={(props) => (
          <Link to="/models/$modelId" params={{ modelId }} search={{ tab: 'versions', a, b }} {...props} />
        )}
        fz="sm"
      >
        {t('compare.back')}
      </Anchor>
      {a === undefined || b === undefined || a === b ? <Choose /> : <Compared a={a} b={b} />}
    </Stack>
  );
}

function Choose() {
  const { t } = useTranslation();
  return (
    <EmptyState icon={<IconArrowsDiff size={26} />} title={t('compare.choose.title')}>
      {t('compare.choose.detail')}
    </EmptyState>
  );
}

function Compared({ a, b }: { a: number; b: number }) {
  const { modelId } = route.useParams();
  const comparison = useQuery(compareQuery(modelId, a, b));
  if (comparison.isPending) return <Skeleton height={480} radius="lg" />;
  if (comparison.isError) return <ProblemAlert error={comparison.error} onRetry={comparison.refetch} />;
  return <Shown comparison={comparison.data} />;
}

function Shown({ comparison }: { comparison: ModelComparison }) {
  const { t } = useTranslation();
  const { a, b, window } = comparison;
  return (
    <>
      <PageHeader
        title={t('compare.title', { a: a.version, b: b.version })}
        subtitle={comparison.registered_name}
      />
      <Panel title={t('compare.same.title')} description={t(`compare.window.${window}`)}>
        <HorizonsTable comparison={comparison} />
      </Panel>
      <Panel title={t('compare.evidence.title')} description={t('compare.evidence.detail')}>
        <VersionsSideBySide a={a} b={b} />
      </Panel>
      <Panel title={t('compare.settled.title')} description={t('compare.settled.detail')}>
        <SettledTable comparison={comparison} />
      </Panel>
    </>
  );
}
