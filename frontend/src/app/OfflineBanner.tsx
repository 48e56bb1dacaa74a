import { Alert } from '@mantine/core';
import { useNetwork } from '@mantine/hooks';
import { IconCloudOff } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';

/** Says that what is on the page will not change, because this computer has no network. */
export function OfflineBanner() {
  const { t } = useTranslation();
  const { online } = useNetwork();
  if (online) return null;
  return (
    <Alert color="yellow" icon={<IconCloudOff size={18} />} mb="md" role="status" data-testid="offline">
      {t('offline')}
    </Alert>
  );
}
