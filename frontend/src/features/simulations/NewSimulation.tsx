import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { simulationQuery } from '@/api/simulations';
import { Panel } from '@/shared/ui/Panel';
import { SimulationFormView } from './SimulationFormView';
import { EXAMPLE, formLike } from './simulationForm';

const route = getRouteApi('/simulations');

/** Asks for a new simulation; begins like an earlier one, if the address names it. */
export function NewSimulation() {
  const { t } = useTranslation();
  const { like } = route.useSearch();
  return (
    <Panel title={t('simulation.new')} description={t('simulation.newDetail')} data-testid="simulation-form">
      {like === undefined ? <SimulationFormView begin={EXAMPLE} /> : <Like id={like} />}
    </Panel>
  );
}

function Like({ id }: { id: string }) {
  const earlier = useQuery(simulationQuery(id));
  if (earlier.isPending) return <Skeleton height={360} />;
  // One that is gone is no reason not to ask for another.
  return <SimulationFormView key={id} begin={earlier.data ? formLike(earlier.data) : EXAMPLE} />;
}
