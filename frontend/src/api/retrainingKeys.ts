import type { QueryClient } from '@tanstack/react-query';
import { refreshModels } from './models';

export const retrainingKeys = {
  all: ['retraining'] as const,
  policies: () => [...retrainingKeys.all, 'policies'] as const,
  lists: () => [...retrainingKeys.all, 'list'] as const,
  model: (modelId: string) => [...retrainingKeys.all, 'model', modelId] as const,
};

/** After a step: where retrainings stand, and which version serves. */
export async function refreshRetrainings(client: QueryClient): Promise<void> {
  await client.invalidateQueries({ queryKey: retrainingKeys.all });
  await refreshModels(client);
}
