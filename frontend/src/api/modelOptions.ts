import { queryOptions } from '@tanstack/react-query';
import { api, unwrap } from './client';
import type { components } from './schema';

type Schemas = components['schemas'];

export type FeatureCatalogue = Schemas['FeatureCatalogue'];
export type Feature = Schemas['Feature'];
export type ModelTypeOption = Schemas['ModelTypeOption'];

/** What a definition may choose from changes with a release only. */
const FIXED = { staleTime: Infinity };

export function featuresQuery() {
  return queryOptions({
    queryKey: ['modelOptions', 'features'] as const,
    queryFn: ({ signal }) => unwrap(api.GET('/api/models/features', { signal })),
    ...FIXED,
  });
}

export function modelTypesQuery() {
  return queryOptions({
    queryKey: ['modelOptions', 'types'] as const,
    queryFn: async ({ signal }) => (await unwrap(api.GET('/api/models/types', { signal }))).items,
    ...FIXED,
  });
}
