import { Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ModelDetail } from '@/api/models';
import { useRollback } from '@/api/modelVersions';
import { useFieldErrors } from '@/shared/form/useFieldErrors';
import { ConfirmDialog } from '@/shared/ui/ConfirmDialog';

/** Lets the version serve again that did before. */
export function RollbackDialog({ model, onClose }: { model: ModelDetail; onClose: () => void }) {
  const { t } = useTranslation();
  const rollback = useRollback(model.model_id);
  const [reason, setReason] = useState('');
  const errors = useFieldErrors(rollback.error, ['reason']);
  return (
    <ConfirmDialog
      title={t('modelDetail.rollback.title', { name: model.registered_name })}
      confirm={t('modelDetail.action.rollback')}
      dangerous={false}
      pending={rollback.isPending}
      error={rollback.error}
      errors={errors}
      onCancel={onClose}
      onConfirm={() => {
        rollback.mutate(reason, { onSuccess: onClose });
      }}
    >
      <Stack gap="sm">
        <Text fz="sm">{t('modelDetail.rollback.detail')}</Text>
        <TextInput
          label={t('modelDetail.reason')}
          description={t('modelDetail.reasonHint')}
          value={reason}
          error={errors.fields.reason}
          onChange={(event) => {
            setReason(event.currentTarget.value);
          }}
          data-autofocus
          data-testid="rollback-reason"
        />
      </Stack>
    </ConfirmDialog>
  );
}
