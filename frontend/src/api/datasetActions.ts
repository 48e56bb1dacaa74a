import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { saveFile } from '@/shared/download';
import { instrumentKey, type Instrument } from '@/shared/instrument';
import { problemFrom } from '@/shared/problem';
import { api, unwrap } from './client';
import { datasetKeys } from './datasets';
import { requested } from './exchange';
import type { components } from './schema';

export type DatasetQuality = components['schemas']['DatasetQuality'];
export type FileFormat = 'csv' | 'parquet';
/** What of a ticker a file holds. */
export type FileContent = 'prices' | 'features';

/** The most sessions that the API gives: eighty years of them. */
const ALL = 20_000;

/** Gaps of a ticker's history, and what the quality gate refused of it. */
export function qualityQuery(instrument: Instrument) {
  return queryOptions({
    queryKey: [...datasetKeys.all, 'quality', instrument.exchange, instrument.ticker] as const,
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/api/datasets/{exchange}/{ticker}/quality', {
          params: { path: requested(instrument) },
          signal,
        }),
      ),
  });
}

async function readFile(instrument: Instrument, content: FileContent, format: FileFormat): Promise<Blob> {
  const params = { path: requested(instrument), query: { format, limit: ALL } };
  const { data, response, error } =
    content === 'prices'
      ? await api.GET('/api/datasets/{exchange}/{ticker}/prices', { params, parseAs: 'blob' })
      : await api.GET('/api/datasets/{exchange}/{ticker}/features', { params, parseAs: 'blob' });
  if (data === undefined) throw problemFrom(response, error);
  return data;
}

/** Saves what is stored of a ticker as a file. Through the page, because a link would carry no access token. */
export function useDownload(instrument: Instrument) {
  return useMutation({
    mutationFn: async ({ content, format }: { content: FileContent; format: FileFormat }) => {
      const name = `${instrumentKey(instrument).replace(':', '-')}-${content}.${format}`;
      saveFile(name, await readFile(instrument, content, format));
    },
  });
}

export function useDeleteDataset() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (instrument: Instrument) =>
      unwrap(api.DELETE('/api/datasets/{exchange}/{ticker}', { params: { path: requested(instrument) } })),
    onSuccess: () => client.invalidateQueries({ queryKey: datasetKeys.all }),
  });
}
