import { Button } from '@mantine/core';
import { IconDatabaseOff } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { EmptyState } from '@/shared/ui/States';

/** A model needs prices first. */
export function NoData() {
  const { t } = useTranslation();
  return (
    <EmptyState
      icon={<IconDatabaseOff size={26} />}
      title={t('models.noData.title')}
      action={
        <Button renderRoot={(props) => <Link to="/datasets" {...props} />} mt="sm">
          {t('models.noData.action')}
        </Button>
      }
    >
      {t('models.noData.detail')}
    </EmptyState>
  );
}
