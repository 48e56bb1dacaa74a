import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { modelsQuery, type ListedModel } from '@/api/models';

/** Models whose names and policies are told. */
const MOST = 500;

/** The models by their id; undefined until they are known. */
export function useAllModels() {
  const models = useQuery(modelsQuery({ limit: MOST }));
  const byId = useMemo(
    () =>
      models.data && new Map<string, ListedModel>(models.data.items.map((model) => [model.model_id, model])),
    [models.data],
  );
  return { models, byId };
}
