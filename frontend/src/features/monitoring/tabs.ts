/** The first is the one that is shown unless the address names another. */
export const MONITORING_TABS = ['live', 'alerts', 'quality', 'flows'] as const;
export type MonitoringTab = (typeof MONITORING_TABS)[number];

export const ALERT_STATES = ['firing', 'resolved'] as const;
