import { Button, Stack, Text, Title } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/access';
import { useDeleteDataset } from '@/api/datasetActions';
import type { Dataset } from '@/api/datasets';
import { ConfirmDialog } from '@/shared/ui/ConfirmDialog';
import { NotAllowed } from '@/shared/ui/NotAllowed';

/** Deletes a ticker's data, after asking. */
export function DeleteDataset({ dataset, onDeleted }: { dataset: Dataset; onDeleted: () => void }) {
  const { t } = useTranslation();
  const allowed = useMay('write');
  const [asking, setAsking] = useState(false);
  const remove = useDeleteDataset();
  return (
    <Stack gap="xs" align="flex-start">
      <Title order={3} fz="md">
        {t('dataset.delete.title')}
      </Title>
      <Text fz="sm" className="muted">
        {t('dataset.delete.detail')}
      </Text>
      <Button
        color="red"
        variant="light"
        leftSection={<IconTrash size={16} />}
        disabled={!allowed}
        onClick={() => {
          setAsking(true);
        }}
        data-testid="delete-dataset"
      >
        {t('dataset.delete.button')}
      </Button>
      <NotAllowed when={!allowed} />
      {asking && (
        <ConfirmDialog
          title={t('dataset.delete.ask', { ticker: dataset.ticker })}
          confirm={t('dataset.delete.button')}
          pending={remove.isPending}
          error={remove.error}
          onCancel={() => {
            setAsking(false);
            remove.reset();
          }}
          onConfirm={() => {
            remove.mutate(dataset, { onSuccess: onDeleted });
          }}
        >
          {t('dataset.delete.detail')}
        </ConfirmDialog>
      )}
    </Stack>
  );
}
