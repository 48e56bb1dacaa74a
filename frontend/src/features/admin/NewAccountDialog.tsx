import { PasswordInput, SegmentedControl, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useCreateAccount, type Role } from '@/api/administration';
import { FormProblem } from '@/shared/form/FormProblem';
import { useFieldErrors } from '@/shared/form/useFieldErrors';
import { FormDialog } from '@/shared/ui/FormDialog';

const ROLES: readonly Role[] = ['viewer', 'operator'];

export function NewAccountDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const create = useCreateAccount();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const errors = useFieldErrors(create.error, ['name', 'password', 'role']);
  return (
    <FormDialog
      title={t('account.add')}
      submit={t('account.add')}
      pending={create.isPending}
      onClose={onClose}
      onSubmit={() => {
        create.mutate({ name, password, role }, { onSuccess: onClose });
      }}
    >
      <TextInput
        label={t('account.name')}
        value={name}
        onChange={(event) => {
          setName(event.currentTarget.value);
        }}
        error={errors.fields.name}
        autoComplete="off"
        data-autofocus
        data-testid="account-name"
      />
      <PasswordInput
        label={t('account.password')}
        description={t('account.passwordHint')}
        value={password}
        onChange={(event) => {
          setPassword(event.currentTarget.value);
        }}
        error={errors.fields.password}
        aria-invalid={errors.fields.password !== undefined}
        autoComplete="new-password"
        data-testid="account-password"
      />
      <Stack gap={4}>
        <SegmentedControl
          aria-label={t('account.role')}
          value={role}
          onChange={(value) => {
            setRole(value === 'operator' ? 'operator' : 'viewer');
          }}
          data={ROLES.map((value) => ({ value, label: t(`access.role.${value}`) }))}
        />
        <Text fz="xs" className="muted">
          {t(`account.roleHint.${role}`)}
        </Text>
      </Stack>
      <FormProblem error={create.error} errors={errors} />
    </FormDialog>
  );
}
