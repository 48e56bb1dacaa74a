import { Badge, Group, SimpleGrid, Stack, Text, ThemeIcon } from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { GateCheck, Verdict } from '@/api/models';
import { useApiText } from '@/i18n/useApiText';

/** What the gate found, check by check, and against which version. */
export function VerdictView({ verdict }: { verdict: Verdict }) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm" data-testid="verdict" data-passed={verdict.passed}>
      <Group gap="xs">
        <Badge color={verdict.passed ? 'teal' : 'yellow'} size="lg">
          {t(verdict.passed ? 'gate.passed' : 'gate.refused')}
        </Badge>
        <Text fz="sm" className="muted">
          {verdict.champion === null
            ? t('gate.alone')
            : t('gate.against', { version: verdict.champion, window: t(`gate.window.${verdict.window}`) })}
        </Text>
      </Group>
      <ChecksList checks={verdict.checks} />
    </Stack>
  );
}

/** Each condition with what was expected and what came. */
export function ChecksList({ checks }: { checks: readonly GateCheck[] }) {
  const { t } = useTranslation();
  const say = useApiText();
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg" verticalSpacing="sm" role="list">
      {checks.map((check) => (
        <Group key={check.name} role="listitem" gap="sm" wrap="nowrap" align="flex-start">
          <ThemeIcon
            role="img"
            size={22}
            radius="xl"
            variant="light"
            color={check.passed ? 'teal' : check.alarm ? 'red' : 'yellow'}
            aria-label={t(check.passed ? 'gate.ok' : 'gate.notOk')}
          >
            {check.passed ? (
              <IconCheck size={14} />
            ) : check.alarm ? (
              <IconAlertTriangle size={14} />
            ) : (
              <IconX size={14} />
            )}
          </ThemeIcon>
          <div>
            <Text fz="sm" fw={600}>
              {t(`gate.check.${check.name}` as 'gate.check.calibrated', check.name)}
            </Text>
            <Text fz="xs" className="muted">
              {t('gate.got', { got: say(`gate.${check.name}.got`, check.got, check.numbers) })}
            </Text>
            {!check.passed && (
              <Text fz="xs" className="muted">
                {t('gate.expected', {
                  expected: say(`gate.${check.name}.expected`, check.expected, check.numbers),
                })}
              </Text>
            )}
          </div>
        </Group>
      ))}
    </SimpleGrid>
  );
}
