import {
  Alert,
  Anchor,
  Button,
  Center,
  Code,
  Group,
  List,
  Stack,
  Text,
  ThemeIcon,
  Title,
} from '@mantine/core';
import { IconAlertTriangle, IconRefresh } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useApiSentence } from '@/i18n/sentences';
import { useApiText } from '@/i18n/useApiText';
import { useFieldMessage } from '@/shared/form/useFieldErrors';
import { toProblem, type ApiProblem } from '@/shared/problem';

/** Nothing to show yet: says what it is that is missing, and what to do next. */
export function EmptyState(props: {
  icon: ReactNode;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <Center py="xl" px="md">
      <Stack align="center" gap="xs" maw={460} ta="center">
        <ThemeIcon size={52} radius="xl" variant="light" color="gray">
          {props.icon}
        </ThemeIcon>
        <Text fw={650}>{props.title}</Text>
        <Text component="div" fz="sm" className="muted">
          {props.children}
        </Text>
        {props.action}
      </Stack>
    </Center>
  );
}

/** What a malformed request's detail says of its fields is said of each below it. */
const MALFORMED = 'malformed_request';

function ProblemText({ problem }: { problem: ApiProblem }) {
  const say = useFieldMessage();
  const sentence = useApiSentence();
  const detail = problem.code === MALFORMED && problem.errors.length > 0 ? '' : problem.detail;
  return (
    <Stack gap={6}>
      {detail && <Text fz="sm">{sentence(detail)}</Text>}
      {problem.errors.length > 0 && (
        <List size="sm">
          {problem.errors.map((item) => (
            <List.Item key={`${item.field} ${item.message}`}>
              <Code>{item.field}</Code> {say(item)}
            </List.Item>
          ))}
        </List>
      )}
      {problem.requestId && (
        <Text fz="xs" className="muted">
          request {problem.requestId}
        </Text>
      )}
    </Stack>
  );
}

/** A failed request in the API's own words, with a way to try again where that makes sense. */
export function ProblemAlert({ error, onRetry }: { error: unknown; onRetry?: () => unknown }) {
  const { t } = useTranslation();
  const say = useApiText();
  const problem = toProblem(error);
  return (
    <Alert
      role="alert"
      color={problem.isTemporary ? 'yellow' : 'red'}
      variant="light"
      icon={<IconAlertTriangle size={18} />}
      title={problem.isNetwork ? t('error.network.title') : say(`problem.${problem.code}`, problem.title)}
    >
      <Stack gap="sm" align="flex-start">
        {problem.isNetwork ? (
          <Text fz="sm">{t('error.network.detail')}</Text>
        ) : (
          <ProblemText problem={problem} />
        )}
        {onRetry && (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconRefresh size={14} />}
            onClick={() => {
              onRetry();
            }}
          >
            {t('error.retry')}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

/** A whole page that could not be shown. */
export function PageProblem({ error, onRetry }: { error: unknown; onRetry: () => unknown }) {
  const { t } = useTranslation();
  return (
    <Stack maw={640} mx="auto" mt="xl">
      <Title order={1} fz="h2">
        {t('error.page')}
      </Title>
      <ProblemAlert error={error} onRetry={onRetry} />
      <Group>
        <Anchor href="/">{t('error.home')}</Anchor>
      </Group>
    </Stack>
  );
}
