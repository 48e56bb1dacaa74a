import { Badge } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { SimulationState } from '@/api/simulations';

const COLORS: Record<SimulationState, string> = {
  pending: 'gray',
  running: 'indigo',
  paused: 'yellow',
  completed: 'teal',
  failed: 'red',
  cancelled: 'gray',
};

export function StateBadge({ state }: { state: SimulationState }) {
  const { t } = useTranslation();
  return (
    <Badge color={COLORS[state]} miw="max-content" data-state={state}>
      {t(`simulation.state.${state}`)}
    </Badge>
  );
}
