import { Badge } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Dataset } from '@/api/datasets';
import { useFormat } from '@/shared/format/useFormat';

/** Whether sessions are missing or rows were refused; both at once tell as the worse, the refused rows. */
export function QualityBadge({ dataset }: { dataset: Dataset }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { sessions_missing: missing, rows_refused: refused } = dataset;
  if (refused > 0)
    return (
      <Badge color="red">
        {t('quality.refusedCount', { value: format.integer(refused), count: refused })}
      </Badge>
    );
  if (missing > 0)
    return (
      <Badge color="yellow">
        {t('quality.missingCount', { value: format.integer(missing), count: missing })}
      </Badge>
    );
  return <Badge color="teal">{t('quality.whole')}</Badge>;
}
