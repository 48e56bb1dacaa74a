import { Anchor, Group, Progress, Text } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { isAtWork, type Simulation } from '@/api/simulations';
import { useFormat } from '@/shared/format/useFormat';
import { sortFromText, sortToText, type Column } from '@/shared/table/columns';
import { DataTable } from '@/shared/table/DataTable';
import { StateBadge } from './StateBadge';
import { useSimulationText } from './useSimulationText';

const route = getRouteApi('/simulations');
const COUNTS = ['promotions', 'rejections', 'rollbacks'] as const;

export function SimulationsTable({ simulations }: { simulations: readonly Simulation[] }) {
  const { t } = useTranslation();
  const { sort } = route.useSearch();
  const navigate = route.useNavigate();
  const columns = useColumns();
  return (
    <DataTable
      label={t('simulation.title')}
      columns={columns}
      rows={simulations}
      rowKey={(simulation) => simulation.simulation_id}
      csv="simulations"
      sort={sortFromText(sort)}
      onSort={(next) => {
        void navigate({
          search: (before) => ({ ...before, sort: sortToText(next) }),
          replace: true,
          resetScroll: false,
        });
      }}
      testId="simulations-table"
    />
  );
}

function useColumns(): readonly Column<Simulation>[] {
  const { t } = useTranslation();
  const format = useFormat();
  // A new list of columns is made when the language changes, which changes both.
  return useMemo(
    () => [
      {
        id: 'name',
        header: t('simulation.column.name'),
        value: (simulation) => simulation.name || simulation.request.tickers.join(' '),
        cell: (simulation) => <NameCell simulation={simulation} />,
      },
      {
        id: 'state',
        header: t('simulation.column.state'),
        value: (simulation) => simulation.progress,
        cell: (simulation) => <StateCell simulation={simulation} />,
      },
      {
        id: 'skill',
        header: t('models.column.skill'),
        hint: t('simulation.skillHint'),
        value: (simulation) => simulation.summary?.skill,
        cell: (simulation) =>
          simulation.summary?.skill == null ? '–' : format.change(simulation.summary.skill),
        align: 'right',
        visibleFrom: 'sm',
      },
      ...COUNTS.map((count): Column<Simulation> => ({
        id: count,
        header: t(`simulation.count.${count}`),
        value: (simulation) => simulation.counts[count],
        align: 'right',
        visibleFrom: 'md',
      })),
      {
        id: 'created',
        header: t('simulation.column.created'),
        value: (simulation) => simulation.created_at,
        cell: (simulation) => <span className="nowrap">{format.instant(simulation.created_at)}</span>,
        visibleFrom: 'lg',
      },
    ],
    [t, format],
  );
}

function NameCell({ simulation }: { simulation: Simulation }) {
  const text = useSimulationText();
  return (
    <div>
      <Anchor
        fz="sm"
        fw={600}
        renderRoot={(props) => (
          <Link
            to="/simulations/$simulationId"
            params={{ simulationId: simulation.simulation_id }}
            {...props}
          />
        )}
      >
        {text.title(simulation)}
      </Anchor>
      <Text fz="xs" className="muted">
        {simulation.name && `${text.tickers(simulation)} · `}
        {text.span(simulation)}
      </Text>
    </div>
  );
}

function StateCell({ simulation }: { simulation: Simulation }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (!isAtWork(simulation.state)) return <StateBadge state={simulation.state} />;
  return (
    <Group gap="xs" wrap="nowrap">
      <Progress
        value={simulation.progress * 100}
        w={90}
        animated
        striped
        aria-label={t(`simulation.stage.${simulation.stage}`)}
      />
      <Text fz="xs" className="nowrap">
        {format.percent(simulation.progress)}
      </Text>
    </Group>
  );
}
