import { Badge, Button, Card, Code, Group, Skeleton, Text } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { apiKeysQuery, type ApiKey } from '@/api/administration';
import { useFormat } from '@/shared/format/useFormat';
import type { Column } from '@/shared/table/columns';
import { DataTable } from '@/shared/table/DataTable';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';
import { NewKeyDialog } from './NewKeyDialog';
import { RevokeKey } from './RevokeKey';

/** Keys that programs call the API with. */
export function KeysPanel() {
  const { t } = useTranslation();
  const keys = useQuery(apiKeysQuery());
  const columns = useColumns();
  const [adding, setAdding] = useState(false);
  return (
    <Card>
      <Group justify="space-between" mb="sm">
        <Text fz="sm" className="muted">
          {t('apiKey.about')}
        </Text>
        <Button
          size="sm"
          leftSection={<IconKey size={16} />}
          onClick={() => {
            setAdding(true);
          }}
          data-testid="new-key"
        >
          {t('apiKey.add')}
        </Button>
      </Group>
      {keys.isPending && <Skeleton height={160} />}
      {keys.isError && <ProblemAlert error={keys.error} onRetry={keys.refetch} />}
      {keys.data?.length === 0 && (
        <EmptyState icon={<IconKey size={26} />} title={t('apiKey.none.title')}>
          {t('apiKey.none.detail')}
        </EmptyState>
      )}
      {keys.data && keys.data.length > 0 && (
        <DataTable
          label={t('admin.tabs.keys')}
          columns={columns}
          rows={keys.data}
          rowKey={(key) => key.key_id}
          csv="api-keys"
        />
      )}
      {adding && (
        <NewKeyDialog
          onClose={() => {
            setAdding(false);
          }}
        />
      )}
    </Card>
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
      {
        id: 'actions',
        header: '',
        value: () => null,
        cell: (key) => !key.revoked_at && <RevokeKey apiKey={key} />,
        align: 'right',
        sortable: false,
        exported: false,
      },
    ],
    [t, format],
  );
}
