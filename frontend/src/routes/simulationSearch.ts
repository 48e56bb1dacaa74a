import { oneOf, textOf, uuidOf } from './searchValues';

/** What the list of simulations keeps in its address. */
export interface SimulationsSearch {
  /** the form of a new one is open */
  start?: true;
  /** one that it begins like */
  like?: string;
  sort?: string;
}

export function readSimulationsSearch(search: Record<string, unknown>): SimulationsSearch {
  return {
    start: search.start === true ? true : undefined,
    like: uuidOf(search.like),
    sort: textOf(search.sort),
  };
}

export const SIMULATION_TABS = ['outcome', 'decisions', 'report'] as const;

/** What a simulation's page keeps in its address. */
export interface SimulationSearch {
  tab?: (typeof SIMULATION_TABS)[number];
}

export function readSimulationSearch(search: Record<string, unknown>): SimulationSearch {
  return { tab: oneOf(search.tab, SIMULATION_TABS) };
}
