import { Anchor, Badge, Group, SimpleGrid, Skeleton } from '@mantine/core';
import { IconExternalLink } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { linksQuery } from '@/api/system';
import { Panel } from '@/shared/ui/Panel';
import { ProblemAlert } from '@/shared/ui/States';

const NAMES: Readonly<Record<string, string>> = {
  mlflow: 'MLflow',
  prefect: 'Prefect',
  flower: 'Flower',
  grafana: 'Grafana',
  prometheus: 'Prometheus',
  kafka_ui: 'Kafka UI',
  minio: 'MinIO',
};

/** Other user interfaces of this installation, and whether they answer; those it lacks are not here. */
export function LinksPanel() {
  const { t } = useTranslation();
  const links = useQuery(linksQuery());
  return (
    <Panel title={t('links.title')} description={t('links.subtitle')} data-testid="links">
      {links.isPending && <Skeleton height={80} />}
      {links.isError && <ProblemAlert error={links.error} onRetry={links.refetch} />}
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
        {Object.entries(links.data?.links ?? {}).map(([name, address]) => (
          <LinkItem key={name} name={name} address={address} up={links.data?.up[name]} />
        ))}
      </SimpleGrid>
    </Panel>
  );
}

function LinkItem({ name, address, up }: { name: string; address: string; up: boolean | undefined }) {
  const { t } = useTranslation();
  return (
    <Group justify="space-between" wrap="nowrap" gap="xs" data-testid={`link-${name}`}>
      <Anchor href={address} target="_blank" rel="noreferrer" fz="sm" fw={600}>
        {NAMES[name] ?? name} <IconExternalLink size={13} aria-hidden />
      </Anchor>
      {up !== undefined && (
        <Badge color={up ? 'teal' : 'red'}>{t(up ? 'services.up' : 'services.down')}</Badge>
      )}
    </Group>
  );
}
