import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/shared/format/useFormat';
import { Hint } from '@/shared/ui/Hint';
import { useNow } from '@/shared/useNow';

/** How long ago something was made, with the exact instant behind it. */
export function MadeAt({ at }: { at: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const now = useNow();
  return (
    <Hint label={format.instant(at)}>
      <Text component="time" dateTime={at} fz="xs" className="muted nowrap">
        {t('forecast.made', { ago: format.ago(at, now) })}
      </Text>
    </Hint>
  );
}
