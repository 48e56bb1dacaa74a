import { Badge, Code, Group } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { apiKeysQuery, type ApiKey } from '@/api/administration';
import { useFormat } from '@/shared/format/useFormat';
import { actionColumn, type Column } from '@/shared/table/columns';
import { AccessList } from './AccessList';
import { NewKeyDialog } from './NewKeyDialog';
import { RevokeKey } from './RevokeKey';

/** Keys that programs call the API with. */
export function KeysPanel() {
  const { t } = useTranslation();
  return (
    <AccessList
      what="apiKey"
      list={useQuery(apiKeysQuery())}
      icon={(size) => <IconKey size={size} />}
      form={(close) => <NewKeyDialog onClose={close} />}
      testId="new-key"
      label={t('admin.tabs.keys')}
      columns={useColumns()}
      rowKey={(key) => key.key_id}
      csv="api-keys"
    />
  );
}

function useColumns(): readonly Column<ApiKey>[] {
  const { t } = useTranslation();
  const format = useFormat();
  return useMemo(
    () => [
      { id: 'name', header: t('apiKey.name'), value: (key) => key.name },
      { id: 'account', header: t('apiKey.account'), value: (key) => key.account, visibleFrom: 'sm' },
      {
        id: 'prefix',
        header: t('apiKey.prefix'),
        value: (key) => key.prefix,
        cell: (key) => <Code>{key.prefix}…</Code>,
        visibleFrom: 'md',
      },
      {
        id: 'scopes',
        header: t('apiKey.scopes'),
        value: (key) => key.scopes.join(' '),
        cell: (key) => (
          <Group gap={4}>
            {key.scopes.map((scope) => (
              <Badge key={scope} size="sm" color="gray">
                {t(`apiKey.scope.${scope}`)}
              </Badge>
            ))}
          </Group>
        ),
        visibleFrom: 'sm',
      },
      {
        id: 'used',
        header: t('apiKey.used'),
        value: (key) => key.last_used_at,
        cell: (key) => (key.last_used_at ? format.instant(key.last_used_at) : t('apiKey.never')),
        visibleFrom: 'lg',
      },
      {
        id: 'state',
        header: t('account.state'),
        value: (key) => key.revoked_at,
        cell: (key) => (
          <Badge
            color={key.revoked_at ? 'red' : 'teal'}
            title={key.revoked_at ? format.instant(key.revoked_at) : ''}
          >
            {t(key.revoked_at ? 'apiKey.revoked' : 'apiKey.valid')}
          </Badge>
        ),
      },
      actionColumn((key) => !key.revoked_at && <RevokeKey apiKey={key} />),
    ],
    [t, format],
  );
}
