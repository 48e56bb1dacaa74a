import { Badge, Text } from '@mantine/core';
import { IconUserPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { accountsQuery, type Account } from '@/api/administration';
import { useFormat } from '@/shared/format/useFormat';
import { actionColumn, type Column } from '@/shared/table/columns';
import { AccessList } from './AccessList';
import { AccountActions } from './AccountActions';
import { NewAccountDialog } from './NewAccountDialog';

/** Who may log in, and as what. */
export function AccountsPanel() {
  const { t } = useTranslation();
  return (
    <AccessList
      what="account"
      list={useQuery(accountsQuery())}
      icon={(size) => <IconUserPlus size={size} />}
      form={(close) => <NewAccountDialog onClose={close} />}
      testId="new-account"
      label={t('admin.tabs.accounts')}
      columns={useColumns()}
      rowKey={(account) => account.account_id}
      rowProps={(account) => ({ 'data-testid': `account-${account.name}` })}
      csv="accounts"
    />
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
      actionColumn((account) => <AccountActions account={account} />),
    ],
    [t, format],
  );
}
