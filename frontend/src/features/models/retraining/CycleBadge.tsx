import { Badge } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { RetrainingState } from '@/api/retraining';
import { STATE_COLORS } from './cycle';

export function CycleBadge({ state }: { state: RetrainingState }) {
  const { t } = useTranslation();
  return (
    <Badge color={STATE_COLORS[state]} miw="max-content" data-state={state}>
      {t(`retraining.state.${state}`)}
    </Badge>
  );
}
