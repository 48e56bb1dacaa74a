import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useRevokeApiKey, type ApiKey } from '@/api/administration';
import { ConfirmDialog } from '@/shared/ui/ConfirmDialog';

export function RevokeKey({ apiKey }: { apiKey: ApiKey }) {
  const { t } = useTranslation();
  const revoke = useRevokeApiKey();
  const [asking, setAsking] = useState(false);
  const close = () => {
    setAsking(false);
  };
  return (
    <>
      <Button
        size="compact-sm"
        variant="light"
        color="red"
        aria-label={t('apiKey.revokeOf', { name: apiKey.name })}
        onClick={() => {
          setAsking(true);
        }}
      >
        {t('apiKey.revoke')}
      </Button>
      {asking && (
        <ConfirmDialog
          title={t('apiKey.ask', { name: apiKey.name })}
          confirm={t('apiKey.revoke')}
          pending={revoke.isPending}
          error={revoke.error}
          onCancel={close}
          onConfirm={() => {
            revoke.mutate(apiKey.key_id, { onSuccess: close });
          }}
        >
          {t('apiKey.revokeDetail')}
        </ConfirmDialog>
      )}
    </>
  );
}
