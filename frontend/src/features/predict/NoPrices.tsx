import { Button } from '@mantine/core';
import { IconDatabaseOff } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { EmptyState } from '@/shared/ui/States';

/** A forecast starts from a close. */
export function NoPrices() {
  const { t } = useTranslation();
  return (
    <EmptyState
      icon={<IconDatabaseOff size={26} />}
      title={t('forecasts.noPrices.title')}
      action={
        <Button renderRoot={(props) => <Link to="/datasets" {...props} />} mt="sm">
          {t('models.noData.action')}
        </Button>
      }
    >
      {t('forecasts.noPrices.detail')}
    </EmptyState>
  );
}
