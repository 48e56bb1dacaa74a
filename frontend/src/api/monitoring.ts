import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { saveFile } from '@/shared/download';
import type { Instrument } from '@/shared/instrument';
import { api, unwrap } from './client';
import { requested } from './exchange';
import { problemFrom } from '@/shared/problem';
import type { components } from './schema';

/** What the newest look at a ticker measured. */
export type Monitored = components['schemas']['MonitoredInstrument'];
export type MonitoredNumber = components['schemas']['MonitoredNumber'];
export type MonitoredSeries = components['schemas']['MonitoredSeries'];
export type Monitor = MonitoredNumber['monitor'];
export type Report = components['schemas']['MonitoringReport'];

/** A year of sessions. */
const SESSIONS = 250;
/** Reports that one page of their list holds. */
const PAGE = 50;
/** Looks are taken after each session, which in a replay is every few seconds (ms). */
const INTERVAL = 15_000;

/** The addresses of reports' pages are good for an hour (ms). */
const ADDRESS_INTERVAL = 30 * 60_000;

export const monitoringKeys = { all: ['monitoring'] as const };

export function monitoredQuery() {
  return queryOptions({
    queryKey: [...monitoringKeys.all, 'list'] as const,
    queryFn: async ({ signal }) => (await unwrap(api.GET('/api/monitoring', { signal }))).items,
    refetchInterval: INTERVAL,
  });
}

/** Every number of a ticker over its newest sessions. */
export function monitoredSeriesQuery(instrument: Instrument) {
  return queryOptions({
    queryKey: [...monitoringKeys.all, 'series', instrument.exchange, instrument.ticker] as const,
    queryFn: async ({ signal }) => {
      const params = { path: requested(instrument), query: { sessions: SESSIONS } };
      return (await unwrap(api.GET('/api/monitoring/{exchange}/{ticker}', { params, signal }))).series;
    },
    refetchInterval: INTERVAL,
  });
}

/** All of them, the newest first. */
export function reportsQuery() {
  return infiniteQueryOptions({
    queryKey: [...monitoringKeys.all, 'reports'] as const,
    queryFn: ({ pageParam, signal }) =>
      unwrap(
        api.GET('/api/monitoring/reports', { params: { query: { limit: PAGE, cursor: pageParam } }, signal }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: ADDRESS_INTERVAL,
  });
}

/** Saves a report as the page that it is. */
export async function saveReport(name: string): Promise<void> {
  const { data, response, error } = await api.GET('/api/monitoring/reports/{name}', {
    params: { path: { name } },
    parseAs: 'blob',
  });
  if (data === undefined) throw problemFrom(response, error);
  saveFile(name.endsWith('.html') ? name : `${name}.html`, data);
}
