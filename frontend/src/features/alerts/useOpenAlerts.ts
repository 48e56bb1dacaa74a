import { useQuery } from '@tanstack/react-query';
import { alertsQuery } from '@/api/alerts';

/** Alerts whose condition holds, the newest first. */
export function useOpenAlerts() {
  return useQuery(alertsQuery({ state: 'firing' }));
}
