import { Tabs } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Simulation } from '@/api/simulations';
import { DecisionsPanel } from './DecisionsPanel';
import { OutcomeTab } from './OutcomeTab';
import { ReportTab } from './ReportTab';

const route = getRouteApi('/simulations/$simulationId');

/** What it decided; once it is completed, what came of it and the report. */
export function SimulationTabs({ simulation }: { simulation: Simulation }) {
  const { t } = useTranslation();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { summary, page_url: pageUrl } = simulation;
  const tabs = [
    ...(summary ? (['outcome'] as const) : []),
    'decisions' as const,
    ...(pageUrl ? (['report'] as const) : []),
  ];
  const tab = tabs.find((item) => item === search.tab) ?? tabs[0];
  return (
    <Tabs
      value={tab}
      onChange={(value) => {
        const chosen = tabs.find((item) => item === value);
        void navigate({
          search: { tab: chosen === tabs[0] ? undefined : chosen },
          replace: true,
          resetScroll: false,
        });
      }}
      keepMounted={false}
    >
      <Tabs.List mb="lg">
        {tabs.map((value) => (
          <Tabs.Tab key={value} value={value} data-testid={`tab-${value}`}>
            {t(`simulation.tab.${value}`)}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {summary && (
        <Tabs.Panel value="outcome">
          <OutcomeTab summary={summary} />
        </Tabs.Panel>
      )}
      <Tabs.Panel value="decisions">
        <DecisionsPanel simulation={simulation} />
      </Tabs.Panel>
      {pageUrl && (
        <Tabs.Panel value="report">
          <ReportTab simulation={simulation} pageUrl={pageUrl} />
        </Tabs.Panel>
      )}
    </Tabs>
  );
}
