import { Text } from '@mantine/core';
import { IconLock } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';

/** Beside what is disabled because of the reader's role: says so, for eyes and screen readers alike. */
export function NotAllowed({ when }: { when: boolean }) {
  const { t } = useTranslation();
  if (!when) return null;
  return (
    <Text fz="xs" className="muted" role="note">
      <IconLock size={12} aria-hidden /> {t('access.operatorsOnly')}
    </Text>
  );
}
