import { Badge } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { EtlRun } from '@/api/etl';

const COLORS: Record<EtlRun['state'], string> = {
  pending: 'gray',
  running: 'indigo',
  completed: 'teal',
  failed: 'red',
  cancelled: 'gray',
};

export function RunState({ state }: { state: EtlRun['state'] }) {
  const { t } = useTranslation();
  return (
    <Badge color={COLORS[state]} data-state={state}>
      {t(`etl.state.${state}`)}
    </Badge>
  );
}
