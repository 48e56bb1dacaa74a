import { queryOptions, useMutation, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { api, unwrap } from './client';
import { isFinished, JOB_INTERVAL } from './jobs';
import type { components } from './schema';

export type EtlRun = components['schemas']['EtlRun'];
export type EtlRequest = components['schemas']['EtlRequest'];
export type TickerLoad = components['schemas']['TickerLoad'];
export type Exchange = NonNullable<EtlRequest['exchange']>;

/** A file with what its columns do not say. */
export interface Upload {
  file: File;
  ticker: string;
  exchange: Exchange;
  /** JSON object: our columns' names in the file, where they are unusual; empty: they are not */
  columns: string;
  skipBadRows: boolean;
}

/** Loads that one sees in the list. */
const NEWEST = 100;
/** How often the list is read while a load is under way (ms). */
const LIST_INTERVAL = 3_000;

export const etlKeys = {
  all: ['etl'] as const,
  list: () => [...etlKeys.all, 'list'] as const,
  run: (runId: string) => [...etlKeys.all, 'run', runId] as const,
};

/** The newest loads, whoever started them. */
export function etlRunsQuery() {
  return queryOptions({
    queryKey: etlKeys.list(),
    queryFn: async ({ signal }) =>
      (await unwrap(api.GET('/api/datasets/etl', { params: { query: { limit: NEWEST } }, signal }))).items,
    refetchInterval: (query) =>
      query.state.data?.some((run) => !isFinished(run.state)) ? LIST_INTERVAL : false,
  });
}

/** One load, ticker by ticker; asked again until it is finished. */
export function etlRunQuery(runId: string) {
  return queryOptions({
    queryKey: etlKeys.run(runId),
    queryFn: ({ signal }) =>
      unwrap(api.GET('/api/datasets/etl/{run_id}', { params: { path: { run_id: runId } }, signal })),
    refetchInterval: (query) => (isFinished(query.state.data?.state) ? false : JOB_INTERVAL),
  });
}

function refreshRuns(client: QueryClient): Promise<void> {
  return client.invalidateQueries({ queryKey: etlKeys.all });
}

/** Starts a load; the answer carries its id, to be followed with {@link etlRunQuery}. */
export function useStartEtl() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: EtlRequest) => unwrap(api.POST('/api/datasets/etl', { body })),
    onSuccess: () => refreshRuns(client),
  });
}

function formOf(upload: Upload): FormData {
  const form = new FormData();
  form.set('file', upload.file);
  form.set('exchange', upload.exchange);
  form.set('skip_bad_rows', String(upload.skipBadRows));
  if (upload.ticker.trim()) form.set('ticker', upload.ticker.trim());
  if (upload.columns.trim()) form.set('columns', upload.columns.trim());
  return form;
}

/** Sends a file; the API answers once it has read every row of it. */
export function useUpload() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (upload: Upload) =>
      unwrap(
        api.POST('/api/datasets/upload', {
          body: { file: upload.file.name, exchange: upload.exchange, columns: '', skip_bad_rows: false },
          bodySerializer: () => formOf(upload),
        }),
      ),
    onSuccess: () => refreshRuns(client),
  });
}

export function useCancelEtl() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (runId: string) =>
      unwrap(api.DELETE('/api/datasets/etl/{run_id}', { params: { path: { run_id: runId } } })),
    onSuccess: () => refreshRuns(client),
  });
}
