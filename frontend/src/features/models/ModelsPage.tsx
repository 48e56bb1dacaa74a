import { useTranslation } from 'react-i18next';
import { PageHeader } from '@/shared/ui/PageHeader';

export function ModelsPage() {
  const { t } = useTranslation();
  return <PageHeader title={t('nav.models')} />;
}
