import '@/shared/ui/mantineMore';
import { Button, MultiSelect, TextInput } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { datasetsQuery } from '@/api/datasets';
import { useDeleteWatchlist, useSaveWatchlist, type WatchlistDraft } from '@/api/watchlists';
import { FormProblem } from '@/shared/form/FormProblem';
import { useFieldErrors } from '@/shared/form/useFieldErrors';
import { instrumentFromKey, instrumentKey } from '@/shared/instrument';
import { FormDialog } from '@/shared/ui/FormDialog';
import { ProblemAlert } from '@/shared/ui/States';

interface WatchlistDialogProps {
  draft: WatchlistDraft;
  /** the list's id; none: it was deleted */
  onSaved: (id: string | undefined) => void;
  onClose: () => void;
}

/** Names a watchlist and picks its stocks, in the order to be shown. */
export default function WatchlistDialog({ draft, onSaved, onClose }: WatchlistDialogProps) {
  const { t } = useTranslation();
  const save = useSaveWatchlist();
  const [name, setName] = useState(draft.name);
  const [keys, setKeys] = useState(() => draft.instruments.map(instrumentKey));
  const errors = useFieldErrors(save.error, ['name', 'instruments']);
  const finish = (id: string | undefined) => {
    onSaved(id);
    onClose();
  };
  return (
    <FormDialog
      title={draft.id === null ? t('watchlist.new') : t('watchlist.edit', { name: draft.name })}
      submit={t('action.save')}
      pending={save.isPending}
      onClose={onClose}
      onSubmit={() => {
        save.mutate(
          { id: draft.id, name, instruments: keys.map(instrumentFromKey) },
          {
            onSuccess: ({ watchlist_id }) => {
              finish(watchlist_id);
            },
          },
        );
      }}
    >
      <TextInput
        label={t('watchlist.name')}
        value={name}
        onChange={(event) => {
          setName(event.currentTarget.value);
        }}
        error={errors.fields.name}
        data-autofocus
        data-testid="watchlist-name"
      />
      <MultiSelect
        label={t('watchlist.stocks')}
        data={useOptions(keys)}
        searchable
        hidePickedOptions
        value={keys}
        onChange={setKeys}
        error={errors.fields.instruments}
        nothingFoundMessage={t('search.nothing')}
        data-testid="watchlist-stocks"
      />
      <FormProblem error={save.error} errors={errors} />
      {draft.id !== null && (
        <DeleteList
          id={draft.id}
          onDeleted={() => {
            finish(undefined);
          }}
        />
      )}
    </FormDialog>
  );
}

/** What is loaded, and what the list has beside. */
function useOptions(keys: readonly string[]) {
  const datasets = useQuery(datasetsQuery());
  const loaded = new Map(
    datasets.data?.map((item) => [
      instrumentKey(item),
      item.name ? `${item.ticker} · ${item.name}` : item.ticker,
    ]),
  );
  const others = keys.filter((key) => !loaded.has(key)).map((key) => [key, key] as const);
  return [...loaded, ...others].map(([value, label]) => ({ value, label }));
}

function DeleteList({ id, onDeleted }: { id: string; onDeleted: () => void }) {
  const { t } = useTranslation();
  const remove = useDeleteWatchlist();
  return (
    <div>
      <Button
        size="compact-sm"
        variant="subtle"
        color="red"
        leftSection={<IconTrash size={14} />}
        loading={remove.isPending}
        onClick={() => {
          remove.mutate(id, { onSuccess: onDeleted });
        }}
        data-testid="delete-watchlist"
      >
        {t('watchlist.delete')}
      </Button>
      {remove.isError && <ProblemAlert error={remove.error} />}
    </div>
  );
}
