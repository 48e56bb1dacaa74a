import { Card, SimpleGrid, Skeleton, Table, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { versionsQuery } from '@/api/system';
import { ScrollTable } from '@/shared/ui/ScrollTable';
import { ProblemAlert } from '@/shared/ui/States';

/** What the platform is made of: for a report of a fault, and to see that an upgrade is whole. */
export function SystemPanel() {
  const { t } = useTranslation();
  const versions = useQuery(versionsQuery());
  if (versions.isPending) return <Skeleton height={300} radius="lg" />;
  if (versions.isError) return <ProblemAlert error={versions.error} onRetry={versions.refetch} />;
  const { code, feature_version, python, packages, schemas } = versions.data;
  return (
    <SimpleGrid cols={{ base: 1, md: 3 }} spacing="lg" style={{ alignItems: 'start' }}>
      <Facts
        title={t('system.code')}
        facts={{ [t('system.version')]: code, [t('system.features')]: feature_version, Python: python }}
      />
      <Facts title={t('system.schemas')} facts={schemas} />
      <Facts title={t('system.packages')} facts={packages} />
    </SimpleGrid>
  );
}

function Facts({ title, facts }: { title: string; facts: Readonly<Record<string, string>> }) {
  return (
    <Card>
      <Title order={2} fz="md" mb="sm">
        {title}
      </Title>
      <ScrollTable label={title} fz="sm" verticalSpacing={6}>
        <Table.Tbody>
          {Object.entries(facts).map(([name, value]) => (
            <Table.Tr key={name}>
              <Table.Th scope="row">{name}</Table.Th>
              <Table.Td ta="right" style={{ overflowWrap: 'anywhere' }}>
                {value}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </ScrollTable>
    </Card>
  );
}
