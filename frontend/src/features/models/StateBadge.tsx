import { Badge } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { ListedModel } from '@/api/models';

/** Whether a model serves, was refused by the gate, served once, or was never trained. */
export function StateBadge({ champion, newest }: Pick<ListedModel, 'champion' | 'newest'>) {
  const { t } = useTranslation();
  if (champion !== null) {
    return (
      <Badge color="teal" variant="filled" autoContrast>
        {t('models.state.serves', { version: champion })}
      </Badge>
    );
  }
  if (!newest) return <Badge color="gray">{t('models.state.untrained')}</Badge>;
  if (newest.alias === 'challenger') {
    return <Badge color="yellow">{t('models.state.challenger', { version: newest.version })}</Badge>;
  }
  return <Badge color="gray">{t('models.state.retired')}</Badge>;
}
