import { Badge } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Dataset } from '@/api/datasets';
import { useFormat } from '@/shared/format/useFormat';
import { Hint } from '@/shared/ui/Hint';

/** Whether a dataset has the newest session that has closed on its market's clock. */
export function Freshness({ dataset }: { dataset: Dataset }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Hint label={t('dataset.expected', { day: format.session(dataset.expected_session) })}>
      <Badge color={dataset.fresh ? 'teal' : 'yellow'} data-testid="freshness" data-fresh={dataset.fresh}>
        {dataset.fresh ? t('dataset.fresh') : t('dataset.behind', { count: dataset.sessions_behind })}
      </Badge>
    </Hint>
  );
}
