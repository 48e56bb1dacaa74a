import { Anchor, Badge, Group, Skeleton, Stack } from '@mantine/core';
import { IconHistoryToggle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { isAtWork, simulationQuery, type Simulation } from '@/api/simulations';
import { useModelTypeText } from '@/features/forecast/modelTypeText';
import { toProblem } from '@/shared/problem';
import { PageHeader } from '@/shared/ui/PageHeader';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';
import { ProgressPanel } from './ProgressPanel';
import { SimulationActions } from './SimulationActions';
import { SimulationTabs } from './SimulationTabs';
import { StateBadge } from './StateBadge';
import { useSimulationText } from './useSimulationText';

const route = getRouteApi('/simulations/$simulationId');

/** One simulation: how far it is, what it decided, and what came of it. */
export function SimulationPage() {
  const { t } = useTranslation();
  const { simulationId } = route.useParams();
  const simulation = useQuery(simulationQuery(simulationId));
  if (simulation.isPending) return <Skeleton height={520} radius="lg" />;
  if (simulation.data) return <Shown key={simulationId} simulation={simulation.data} />;
  return toProblem(simulation.error).status === 404 ? (
    <EmptyState
      icon={<IconHistoryToggle size={26} />}
      title={t('simulation.unknown.title')}
      action={<Link to="/simulations">{t('simulation.unknown.action')}</Link>}
    >
      {t('simulation.unknown.detail')}
    </EmptyState>
  ) : (
    <ProblemAlert error={simulation.error} onRetry={simulation.refetch} />
  );
}

function Shown({ simulation }: { simulation: Simulation }) {
  const { t } = useTranslation();
  const text = useSimulationText();
  const type = useModelTypeText();
  const { request, summary, state } = simulation;
  return (
    <Stack gap="lg">
      <Stack gap="xs">
        <Anchor renderRoot={(props) => <Link to="/simulations" {...props} />} fz="sm">
          {t('simulation.title')}
        </Anchor>
        <PageHeader
          title={text.title(simulation)}
          subtitle={text.span(simulation)}
          actions={<SimulationActions simulation={simulation} />}
        />
        <Group gap="xs">
          <StateBadge state={state} />
          {request.tickers.map((ticker) => (
            <Badge key={ticker} color="gray">
              {ticker}
            </Badge>
          ))}
          <Badge color="indigo">{type.title(request.model_type)}</Badge>
          <Badge color="gray">{t(`simulation.form.sources.${request.source}`)}</Badge>
        </Group>
      </Stack>
      {(isAtWork(state) || !summary) && <ProgressPanel simulation={simulation} />}
      <SimulationTabs simulation={simulation} />
    </Stack>
  );
}
