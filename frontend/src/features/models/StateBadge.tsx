import { Badge } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { ListedModel } from '@/api/models';

/** Whether a model serves, was refused by the gate, served once, or was never trained. */
export function StateBadge({ champion, newest }: Pick<ListedModel, 'champion' | 'newest'>) {
  const { t } = useTranslation();
  if (champion !== null) {
    return (
      <Badge miw="max-content" color="teal">
        {t('models.state.serves', { version: champion })}
      </Badge>
    );
  }
  if (!newest)
    return (
      <Badge miw="max-content" color="gray">
        {t('models.state.untrained')}
      </Badge>
    );
  if (newest.alias === 'challenger') {
    return (
      <Badge miw="max-content" color="yellow">
        {t('models.state.challenger', { version: newest.version })}
      </Badge>
    );
  }
  return (
    <Badge miw="max-content" color="gray">
      {t('models.state.retired')}
    </Badge>
  );
}
