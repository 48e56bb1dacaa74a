import { Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { ModelDetail } from '@/api/models';
import { retrainingsQuery } from '@/api/retraining';
import { ProblemAlert } from '@/shared/ui/States';
import { useModelPage } from '../detail/useModelPage';
import { CurrentPanel } from './CurrentPanel';
import { HistoryPanel } from './HistoryPanel';
import { PolicyPanel } from './PolicyPanel';

/** Retrainings of one page of the history. */
const PAGE = 20;
/** The API lists no more. */
const MOST = 500;

/** When a model is trained again by itself, the retraining that is under way, and what became of those before it. */
export function RetrainingTab({ model }: { model: ModelDetail }) {
  const { search, update } = useModelPage();
  const [limit, setLimit] = useState(PAGE);
  const retrainings = useQuery(retrainingsQuery(model.model_id, limit));
  const items = retrainings.data ?? [];
  const ended = items.filter((item) => item.ended_at !== null);
  const current = items.find((item) => item.ended_at === null) ?? null;
  return (
    <Stack gap="lg">
      {retrainings.isError ? (
        <ProblemAlert error={retrainings.error} onRetry={retrainings.refetch} />
      ) : (
        <CurrentPanel model={model} retraining={retrainings.isPending ? undefined : current} />
      )}
      <PolicyPanel model={model} />
      {retrainings.data && (
        <HistoryPanel
          ended={ended}
          opened={search.cycle}
          onOpen={(cycle) => {
            update({ cycle });
          }}
          more={{
            hidden: items.length < limit || limit >= MOST,
            loading: retrainings.isPlaceholderData,
            show: () => {
              setLimit(Math.min(limit + PAGE, MOST));
            },
          }}
        />
      )}
    </Stack>
  );
}
