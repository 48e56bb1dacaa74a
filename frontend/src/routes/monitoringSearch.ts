import type { AlertFilter } from '@/api/alerts';
import { SEVERITIES } from '@/features/alerts/severity';
import { ALERT_STATES, MONITORING_TABS, type MonitoringTab } from '@/features/monitoring/tabs';
import { oneOf, textOf } from './searchValues';

/** What the page of monitoring keeps in its address. */
export interface MonitoringSearch extends AlertFilter {
  tab?: MonitoringTab | undefined;
  /** `US:AAPL`: whose numbers are drawn over time */
  of?: string | undefined;
  /** name of the drift report that is read */
  report?: string | undefined;
}

/** Reads the address; what makes no sense is left out. */
export function readMonitoringSearch(search: Record<string, unknown>): MonitoringSearch {
  const tab = oneOf(search.tab, MONITORING_TABS);
  return {
    tab: tab === MONITORING_TABS[0] ? undefined : tab,
    state: oneOf(search.state, ALERT_STATES),
    severity: oneOf(search.severity, SEVERITIES),
    of: textOf(search.of),
    report: textOf(search.report),
  };
}
