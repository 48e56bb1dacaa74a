import { Alert, Button, Code, CopyButton, Group, Stack } from '@mantine/core';
import { IconCheck, IconCopy, IconEyeOff } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { components } from '@/api/schema';
import { Dialog } from '@/shared/ui/Dialog';

type Made = components['schemas']['NewApiKey'];

/** The key itself; nobody can read it again. A click beside the dialog must not lose it. */
export function NewKey({ made, onClose }: { made: Made; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog onClose={onClose} title={t('apiKey.made', { name: made.name })} closeOnClickOutside={false}>
      <Stack>
        <Alert color="yellow" icon={<IconEyeOff size={18} />}>
          {t('apiKey.once')}
        </Alert>
        <Code block data-testid="made-key">
          {made.key}
        </Code>
        <Group justify="flex-end">
          <CopyButton value={made.key}>
            {({ copied, copy }) => (
              <Button
                variant="light"
                leftSection={copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
                onClick={copy}
              >
                {t(copied ? 'apiKey.copied' : 'apiKey.copy')}
              </Button>
            )}
          </CopyButton>
          <Button onClick={onClose}>{t('action.close')}</Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
