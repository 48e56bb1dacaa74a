import '@/shared/ui/mantineMore';
import { Button, Center, Group, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconLogin2 } from '@tabler/icons-react';
import { useState, type SyntheticEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useLogin } from '@/api/access';
import { toProblem } from '@/shared/problem';
import { ProblemAlert } from '@/shared/ui/States';
import { LanguageToggle, ThemeToggle } from './Preferences';

/** Stands in for every page while there is no session. The page's address stays, so one comes back to where one was. */
export default function LoginPage() {
  const { t } = useTranslation();
  const login = useLogin();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const refused = login.isError && toProblem(login.error).status === 401;

  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    login.mutate({ name, password });
  };

  return (
    <Center component="main" mih="100dvh" p="md">
      <Paper component="form" withBorder p="xl" w={380} maw="100%" onSubmit={submit} data-testid="login">
        <Stack gap="md">
          <Group justify="space-between" wrap="nowrap">
            <Group gap={10} wrap="nowrap">
              <img src="/favicon.svg" width={28} height={28} alt="" />
              <Title order={1} fz="lg">
                Stock MLOps
              </Title>
            </Group>
            <Group gap={0} wrap="nowrap">
              <ThemeToggle />
              <LanguageToggle />
            </Group>
          </Group>
          <Text fz="sm" className="muted">
            {t('access.login.subtitle')}
          </Text>
          <TextInput
            label={t('access.login.name')}
            value={name}
            onChange={(event) => {
              setName(event.currentTarget.value);
            }}
            autoComplete="username"
            autoCapitalize="none"
            required
            data-autofocus
            data-testid="login-name"
          />
          <TextInput
            label={t('access.login.password')}
            type="password"
            value={password}
            onChange={(event) => {
              setPassword(event.currentTarget.value);
            }}
            autoComplete="current-password"
            required
            error={refused && t('access.login.refused')}
            data-testid="login-password"
          />
          <Button
            type="submit"
            fullWidth
            loading={login.isPending}
            leftSection={<IconLogin2 size={16} />}
            data-testid="login-submit"
          >
            {t('access.login.submit')}
          </Button>
          {login.isError && !refused && <ProblemAlert error={login.error} />}
        </Stack>
      </Paper>
    </Center>
  );
}
