import { Checkbox, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useDeleteModel, type ModelDetail } from '@/api/models';
import { ConfirmDialog } from '@/shared/ui/ConfirmDialog';
import { useModelPage } from './useModelPage';

/** Asks before a model goes with all its versions; of one that serves, that this is meant as well. */
export function DeleteDialog({ model, onClose }: { model: ModelDetail; onClose: () => void }) {
  const { t } = useTranslation();
  const { navigate } = useModelPage();
  const remove = useDeleteModel(model.model_id);
  const [force, setForce] = useState(false);
  const [reason, setReason] = useState('');
  const champion = model.aliases.champion;
  return (
    <ConfirmDialog
      opened
      title={t('modelDetail.delete.title', { name: model.name })}
      confirm={t('modelDetail.action.delete')}
      pending={remove.isPending}
      error={remove.error}
      onCancel={onClose}
      onConfirm={() => {
        remove.mutate(
          { force, reason },
          {
            onSuccess: () => {
              void navigate({ to: '/models', search: {} });
            },
          },
        );
      }}
    >
      <Stack gap="sm">
        <Text fz="sm">{t('modelDetail.delete.detail', { count: model.versions.length })}</Text>
        {champion !== undefined && (
          <Checkbox
            label={t('modelDetail.delete.force', { version: champion })}
            checked={force}
            onChange={(event) => {
              setForce(event.currentTarget.checked);
            }}
            data-testid="delete-force"
          />
        )}
        <TextInput
          label={t('modelDetail.reason')}
          description={t('modelDetail.reasonHint')}
          value={reason}
          maxLength={500}
          onChange={(event) => {
            setReason(event.currentTarget.value);
          }}
        />
      </Stack>
    </ConfirmDialog>
  );
}
