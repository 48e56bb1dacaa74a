import { Checkbox, Group, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { meQuery, type Scope } from '@/api/access';
import { useCreateApiKey } from '@/api/administration';
import { FormProblem } from '@/shared/form/FormProblem';
import { useFieldErrors } from '@/shared/form/useFieldErrors';
import { FormDialog } from '@/shared/ui/FormDialog';
import { NewKey } from './NewKey';

const SCOPES: readonly Scope[] = ['read', 'predict', 'write', 'admin'];
const DEFAULT: Scope[] = ['read', 'predict'];

/** Makes a key, and shows it this once. */
export function NewKeyDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const create = useCreateApiKey();
  const me = useQuery(meQuery());
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState(DEFAULT);
  const errors = useFieldErrors(create.error, ['name', 'scopes']);
  if (create.data) return <NewKey made={create.data} onClose={onClose} />;
  return (
    <FormDialog
      title={t('apiKey.add')}
      submit={t('apiKey.add')}
      pending={create.isPending}
      onClose={onClose}
      onSubmit={() => {
        create.mutate({ name, scopes });
      }}
    >
      <TextInput
        label={t('apiKey.name')}
        description={t('apiKey.nameHint')}
        value={name}
        onChange={(event) => {
          setName(event.currentTarget.value);
        }}
        error={errors.fields.name}
        data-autofocus
        data-testid="key-name"
      />
      <Checkbox.Group
        label={t('apiKey.scopes')}
        description={t('apiKey.scopesHint')}
        value={scopes}
        onChange={setScopes}
        error={errors.fields.scopes}
      >
        <Group mt="xs">
          {SCOPES.filter((scope) => me.data?.scopes.includes(scope) ?? true).map((scope) => (
            <Checkbox key={scope} value={scope} label={t(`apiKey.scope.${scope}`)} />
          ))}
        </Group>
      </Checkbox.Group>
      <FormProblem error={create.error} errors={errors} />
    </FormDialog>
  );
}
