import { Checkbox, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useDeleteModel, type ModelDetail } from '@/api/models';
import { useFieldErrors } from '@/shared/form/useFieldErrors';
import { ConfirmDialog } from '@/shared/ui/ConfirmDialog';
import { useModelPage } from './useModelPage';

/** Asks before a model goes with all its versions; of one that serves, that this is meant as well. */
export function DeleteDialog({ model, onClose }: { model: ModelDetail; onClose: () => void }) {
  const { t } = useTranslation();
  const { navigate } = useModelPage();
  const remove = useDeleteModel(model.model_id);
  const [force, setForce] = useState(false);
  const [reason, setReason] = useState('');
  const errors = useFieldErrors(remove.error, ['reason']);
  const champion = model.aliases.champion;
  return (
    <ConfirmDialog
      title={t('modelDetail.delete.title', { name: model.name })}
      confirm={t('modelDetail.action.delete')}
      pending={remove.isPending}
      error={remove.error}
      errors={errors}
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
          error={errors.fields.reason}
          onChange={(event) => {
            setReason(event.currentTarget.value);
          }}
          data-testid="delete-reason"
        />
      </Stack>
    </ConfirmDialog>
  );
}
