import { ActionIcon, Group, Text } from '@mantine/core';
import { IconLogout } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { meQuery, useLogout } from '@/api/access';

/** Who is logged in, as what, and the way out; nothing where access is off. */
export function AccountMenu() {
  const { t } = useTranslation();
  const me = useQuery(meQuery());
  const logout = useLogout();
  if (!me.data?.access) return null;
  const role = me.data.role ? t(`access.role.${me.data.role}`) : '';
  return (
    <Group gap={4} wrap="nowrap" data-testid="account">
      <Text fz="sm" visibleFrom="md" style={{ whiteSpace: 'nowrap' }}>
        {me.data.name}{' '}
        <Text span fz="xs" className="muted">
          {role}
        </Text>
      </Text>
      <ActionIcon
        size="lg"
        aria-label={t('access.logout', { name: me.data.name, role })}
        title={t('access.logout', { name: me.data.name, role })}
        loading={logout.isPending}
        onClick={() => {
          logout.mutate();
        }}
        data-testid="logout"
      >
        <IconLogout size={18} />
      </ActionIcon>
    </Group>
  );
}
