import type { Alert } from '@/api/alerts';

export const SEVERITIES = ['critical', 'warning', 'info'] as const satisfies readonly Alert['severity'][];

export const SEVERITY_COLORS: Record<Alert['severity'], string> = {
  info: 'blue',
  warning: 'yellow',
  critical: 'red',
};
