import { ActionIcon, Button, Group, Skeleton } from '@mantine/core';
import { IconPencil, IconPlus } from '@tabler/icons-react';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { WatchlistDraft } from '@/api/watchlists';
import { useShownList } from './useShownList';

/** Fetched when they are needed: most visits do without. */
const WatchlistSelect = lazy(() => import('./WatchlistSelect'));
const WatchlistDialog = lazy(() => import('./WatchlistDialog'));

const NEW: WatchlistDraft = { id: null, name: '', instruments: [] };

/** Which stocks the page shows: all, or those of a list of one's own. */
export function WatchlistBar() {
  const { t } = useTranslation();
  const { lists, shown, show } = useShownList();
  const [draft, setDraft] = useState<WatchlistDraft | null>(null);
  const options = lists.data?.map((list) => ({ value: list.watchlist_id, label: list.name })) ?? [];
  return (
    <Group gap="xs" wrap="nowrap">
      {options.length > 0 && (
        <Suspense fallback={<Skeleton w={190} h={36} />}>
          <WatchlistSelect options={options} shown={shown?.watchlist_id} onShow={show} />
        </Suspense>
      )}
      {shown && (
        <ActionIcon
          size="lg"
          variant="default"
          aria-label={t('watchlist.edit', { name: shown.name })}
          onClick={() => {
            setDraft({ id: shown.watchlist_id, name: shown.name, instruments: shown.instruments });
          }}
          data-testid="edit-watchlist"
        >
          <IconPencil size={16} />
        </ActionIcon>
      )}
      <Button
        variant="default"
        leftSection={<IconPlus size={16} />}
        onClick={() => {
          setDraft(NEW);
        }}
        data-testid="new-watchlist"
      >
        {t('watchlist.new')}
      </Button>
      {draft && (
        <Suspense>
          <WatchlistDialog
            draft={draft}
            onSaved={show}
            onClose={() => {
              setDraft(null);
            }}
          />
        </Suspense>
      )}
    </Group>
  );
}
