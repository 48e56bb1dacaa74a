import { ActionIcon, Menu } from '@mantine/core';
import { IconDots, IconKey, IconUserCheck, IconUserOff, IconUserShield } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Account, AccountChange } from '@/api/administration';
import { useChangeAccount } from '@/api/administration';
import { ConfirmDialog } from '@/shared/ui/ConfirmDialog';
import { PasswordDialog } from './PasswordDialog';

type Asked = 'password' | 'role' | 'disabled' | null;

/** What may be done with an account; each ends its sessions, hence asks first. */
export function AccountActions({ account }: { account: Account }) {
  const { t } = useTranslation();
  const [asked, setAsked] = useState<Asked>(null);
  const { name, disabled } = account;
  const other = account.role === 'operator' ? 'viewer' : 'operator';
  const close = () => {
    setAsked(null);
  };
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon aria-label={t('account.actions', { name })} data-testid={`actions-${name}`}>
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            leftSection={<IconKey size={16} />}
            onClick={() => {
              setAsked('password');
            }}
          >
            {t('account.setPassword')}
          </Menu.Item>
          <Menu.Item
            leftSection={<IconUserShield size={16} />}
            onClick={() => {
              setAsked('role');
            }}
          >
            {t('account.makeRole', { role: t(`access.role.${other}`) })}
          </Menu.Item>
          <Menu.Item
            leftSection={disabled ? <IconUserCheck size={16} /> : <IconUserOff size={16} />}
            onClick={() => {
              setAsked('disabled');
            }}
          >
            {t(disabled ? 'account.enable' : 'account.disable')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {asked === 'password' && <PasswordDialog account={account} onClose={close} />}
      {asked === 'role' && (
        <ChangeDialog
          account={account}
          change={{ role: other }}
          title={t('account.askRole', { name, role: t(`access.role.${other}`) })}
          onClose={close}
        />
      )}
      {asked === 'disabled' && (
        <ChangeDialog
          account={account}
          change={{ disabled: !disabled }}
          title={t(disabled ? 'account.askEnable' : 'account.askDisable', { name })}
          onClose={close}
        />
      )}
    </>
  );
}

function ChangeDialog(props: {
  account: Account;
  change: AccountChange;
  title: string;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const save = useChangeAccount();
  return (
    <ConfirmDialog
      title={props.title}
      confirm={t('account.confirm')}
      dangerous={props.change.disabled === true}
      pending={save.isPending}
      error={save.error}
      onCancel={props.onClose}
      onConfirm={() => {
        save.mutate({ id: props.account.account_id, change: props.change }, { onSuccess: props.onClose });
      }}
    >
      {t('account.endsSessions')}
    </ConfirmDialog>
  );
}
