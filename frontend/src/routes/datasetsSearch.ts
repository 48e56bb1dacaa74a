import { isLoadSource, type LoadSource } from '@/features/datasets/loadSource';
import { textOf, uuidOf } from './searchValues';

/** What the page of datasets keeps in its address. */
export interface DatasetsSearch {
  /** the list of loads rather than of what is loaded */
  tab?: 'loads' | undefined;
  /** part of a ticker or name */
  q?: string | undefined;
  /** only what is behind its market */
  stale?: true | undefined;
  sort?: string | undefined;
  /** `US:AAPL`: whose details are open */
  dataset?: string | undefined;
  /** the load that is followed */
  run?: string | undefined;
  /** the form that is open */
  load?: LoadSource | undefined;
}

const KEY = /^[A-Z]{2,10}:[A-Z0-9.^=-]{1,20}$/;

/** Reads the address; what makes no sense is left out. */
export function readDatasetsSearch(search: Record<string, unknown>): DatasetsSearch {
  const dataset = textOf(search.dataset);
  return {
    tab: search.tab === 'loads' ? 'loads' : undefined,
    q: textOf(search.q),
    stale: search.stale === true ? true : undefined,
    sort: textOf(search.sort),
    dataset: dataset && KEY.test(dataset) ? dataset : undefined,
    run: uuidOf(search.run),
    load: isLoadSource(search.load) ? search.load : undefined,
  };
}
