import { Badge, Button, Card, Group, Skeleton, Text } from '@mantine/core';
import { IconUserPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { accountsQuery, type Account } from '@/api/administration';
import { useFormat } from '@/shared/format/useFormat';
import type { Column } from '@/shared/table/columns';
import { DataTable } from '@/shared/table/DataTable';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';
import { AccountActions } from './AccountActions';
import { NewAccountDialog } from './NewAccountDialog';

/** Who may log in, and as what. */
export function AccountsPanel() {
  const { t } = useTranslation();
  const accounts = useQuery(accountsQuery());
  const columns = useColumns();
  const [adding, setAdding] = useState(false);
  return (
    <Card>
      <Group justify="space-between" mb="sm">
        <Text fz="sm" className="muted">
          {t('account.about')}
        </Text>
        <Button
          size="sm"
          leftSection={<IconUserPlus size={16} />}
          onClick={() => {
            setAdding(true);
          }}
          data-testid="new-account"
        >
          {t('account.add')}
        </Button>
      </Group>
      {accounts.isPending && <Skeleton height={160} />}
      {accounts.isError && <ProblemAlert error={accounts.error} onRetry={accounts.refetch} />}
      {accounts.data?.length === 0 && (
        <EmptyState icon={<IconUserPlus size={26} />} title={t('account.none.title')}>
          {t('account.none.detail')}
        </EmptyState>
      )}
      {accounts.data && accounts.data.length > 0 && (
        <DataTable
          label={t('admin.tabs.accounts')}
          columns={columns}
          rows={accounts.data}
          rowKey={(account) => account.account_id}
          rowProps={(account) => ({ 'data-testid': `account-${account.name}` })}
          csv="accounts"
        />
      )}
      {adding && (
        <NewAccountDialog
          onClose={() => {
            setAdding(false);
          }}
        />
      )}
    </Card>
  );
}

function useColumns(): readonly Column<Account>[] {
  const { t } = useTranslation();
  const format = useFormat();
  return useMemo(
    () => [
      {
        id: 'name',
        header: t('account.name'),
        value: (account) => account.name,
        cell: (account) => (
          <Text fw={600} fz="sm">
            {account.name}
          </Text>
        ),
      },
      {
        id: 'role',
        header: t('account.role'),
        value: (account) => account.role,
        cell: ({ role }) => (
          <Badge color={role === 'operator' ? 'indigo' : 'gray'}>{t(`access.role.${role}`)}</Badge>
        ),
      },
      {
        id: 'state',
        header: t('account.state'),
        value: (account) => account.disabled,
        cell: ({ disabled }) => (
          <Badge color={disabled ? 'red' : 'teal'}>
            {t(disabled ? 'account.disabled' : 'account.enabled')}
          </Badge>
        ),
      },
      {
        id: 'created',
        header: t('account.created'),
        value: (account) => account.created_at,
        cell: (account) => <span className="nowrap">{format.instant(account.created_at)}</span>,
        visibleFrom: 'sm',
      },
      {
        id: 'actions',
        header: '',
        value: () => null,
        cell: (account) => <AccountActions account={account} />,
        align: 'right',
        sortable: false,
        exported: false,
      },
    ],
    [t, format],
  );
}
