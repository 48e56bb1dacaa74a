import { PasswordInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useChangeAccount, type Account } from '@/api/administration';
import { FormProblem } from '@/shared/form/FormProblem';
import { useFieldErrors } from '@/shared/form/useFieldErrors';
import { FormDialog } from '@/shared/ui/FormDialog';

export function PasswordDialog({ account, onClose }: { account: Account; onClose: () => void }) {
  const { t } = useTranslation();
  const save = useChangeAccount();
  const [password, setPassword] = useState('');
  const errors = useFieldErrors(save.error, ['password']);
  return (
    <FormDialog
      title={t('account.passwordOf', { name: account.name })}
      submit={t('action.save')}
      pending={save.isPending}
      onClose={onClose}
      onSubmit={() => {
        save.mutate({ id: account.account_id, change: { password } }, { onSuccess: onClose });
      }}
    >
      <PasswordInput
        label={t('account.password')}
        description={`${t('account.passwordHint')} ${t('account.endsSessions')}`}
        value={password}
        onChange={(event) => {
          setPassword(event.currentTarget.value);
        }}
        error={errors.fields.password}
        aria-invalid={errors.fields.password !== undefined}
        autoComplete="new-password"
        data-autofocus
        data-testid="new-password"
      />
      <FormProblem error={save.error} errors={errors} />
    </FormDialog>
  );
}
