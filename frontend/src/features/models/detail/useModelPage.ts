import { getRouteApi } from '@tanstack/react-router';
import { useCallback } from 'react';
import type { ModelDetail, ModelVersion } from '@/api/models';

const route = getRouteApi('/models/$modelId');

/** The model in the page's address, what else it holds, and a function that changes some of it. */
export function useModelPage() {
  const { modelId } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const update = useCallback(
    (change: Partial<typeof search>) => {
      void navigate({ search: (before) => ({ ...before, ...change }), replace: true, resetScroll: false });
    },
    [navigate],
  );
  return { modelId, search, navigate, update };
}

/** The version that was asked for, else the one that serves, else the newest; undefined when there is none. */
export function shownVersion(model: ModelDetail, asked: number | undefined): ModelVersion | undefined {
  const champion = model.aliases.champion;
  return (
    model.versions.find((version) => version.version === asked) ??
    model.versions.find((version) => version.version === champion) ??
    model.versions[0]
  );
}
