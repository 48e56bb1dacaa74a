import { Badge, Button, Code, Group, SimpleGrid, Stack, Table, Text } from '@mantine/core';
import { IconCopy } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { ModelDetail } from '@/api/models';
import { Panel } from '@/shared/ui/Panel';
import { ScrollTable } from '@/shared/ui/ScrollTable';

function plain(value: unknown): string {
  if (value === null || value === undefined) return '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What is read first; the API sorts names by their length. */
const ORDER = [
  'exchange',
  'ticker',
  'panel',
  'tickers',
  'model_type',
  'task',
  'horizon',
  'start',
  'end',
  'seed',
];

/** Values that say something, in an order that people expect. */
function told(values: Readonly<Record<string, unknown>>): [string, unknown][] {
  const place = (name: string) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return Object.entries(values)
    .filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0))
    .sort(([a], [b]) => place(a) - place(b));
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

/** What makes the model: it never changes, another definition is another model. */
export function DefinitionTab({ model }: { model: ModelDetail }) {
  const { t } = useTranslation();
  const { features, params, validation, search, ...rest } = model.spec;
  const names = Array.isArray(features) ? (features as string[]) : [];
  const values: [string, unknown][] = [
    ...told(rest),
    ...entriesOf(validation).map(([name, value]): [string, unknown] => [`validation.${name}`, value]),
    ...entriesOf(search).map(([name, value]): [string, unknown] => [`search.${name}`, value]),
  ];
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg">
      <Panel
        title={t('modelDetail.tab.definition')}
        description={t('modelDetail.definition.detail')}
        aside={
          <Button
            size="xs"
            variant="default"
            flex="none"
            leftSection={<IconCopy size={14} />}
            renderRoot={(props) => <Link to="/models/new" search={{ from: model.model_id }} {...props} />}
          >
            {t('modelDetail.action.similar')}
          </Button>
        }
      >
        <ValuesTable label={t('modelDetail.tab.definition')} values={values} />
      </Panel>
      <Stack gap="lg">
        <Panel title={t('modelForm.model.params')}>
          {entriesOf(params).length > 0 ? (
            <ValuesTable label={t('modelForm.model.params')} values={entriesOf(params)} />
          ) : (
            <Text fz="sm" className="muted">
              {t('modelForm.model.noParams')}
            </Text>
          )}
        </Panel>
        <Panel
          title={t('modelForm.summary.features')}
          description={t('modelForm.features.count', { count: names.length })}
        >
          <Group gap={6}>
            {names.map((name) => (
              <Badge key={name} color="gray" size="sm">
                {name}
              </Badge>
            ))}
          </Group>
        </Panel>
      </Stack>
    </SimpleGrid>
  );
}

function ValuesTable({ label, values }: { label: string; values: readonly [string, unknown][] }) {
  return (
    <ScrollTable label={label} fz="sm" verticalSpacing={6}>
      <Table.Tbody>
        {values.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th scope="row" fw={400} className="muted">
              {name}
            </Table.Th>
            <Table.Td>
              <Code style={{ overflowWrap: 'anywhere' }}>{plain(value)}</Code>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </ScrollTable>
  );
}
