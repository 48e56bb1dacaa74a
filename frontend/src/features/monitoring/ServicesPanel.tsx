import { Badge, Skeleton, Stack, Table, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/shared/format/useFormat';
import { Panel } from '@/shared/ui/Panel';
import { ScrollTable } from '@/shared/ui/ScrollTable';
import { useNow } from '@/shared/useNow';
import { rate, type Scrapes } from './overview';
import type { Scrape } from './samples';

const MEBIBYTE = 1024 * 1024;

/** Which services answer, and what they use. */
export function ServicesPanel({ scrapes }: { scrapes: Scrapes }) {
  const { t } = useTranslation();
  const newest = [...scrapes.values()].flatMap((held) => held.slice(0, 1));
  const up = newest.filter((scrape) => scrape.up).length;
  return (
    <Panel
      title={t('services.title')}
      description={t('services.subtitle')}
      aside={
        scrapes.size > 0 && (
          <Badge
            size="lg"
            color={up === newest.length ? 'teal' : 'red'}
            data-testid="services-up"
            data-up={up}
          >
            {t('services.count', { up, all: newest.length })}
          </Badge>
        )
      }
    >
      {scrapes.size === 0 ? (
        <Stack gap="xs">
          {[0, 1, 2, 3].map((row) => (
            <Skeleton key={row} height={28} />
          ))}
        </Stack>
      ) : (
        <ScrollTable label={t('services.title')} fz="sm" verticalSpacing={8} horizontalSpacing="xs">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('services.name')}</Table.Th>
              <Table.Th>{t('services.state')}</Table.Th>
              <Table.Th ta="right">{t('services.memory')}</Table.Th>
              <Table.Th ta="right">{t('services.cpu')}</Table.Th>
              <Table.Th ta="right" visibleFrom="sm">
                {t('services.heard')}
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {[...scrapes].map(([service, held]) => (
              <ServiceRow key={service} service={service} held={held} />
            ))}
          </Table.Tbody>
        </ScrollTable>
      )}
    </Panel>
  );
}

function ServiceRow({ service, held }: { service: string; held: readonly Scrape[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const now = useNow();
  const [newest, before] = held;
  if (!newest) return null;
  const { memory } = newest;
  const cpu = rate(before?.up ? before : undefined, newest, 'cpu');
  return (
    <Table.Tr data-testid={`service-${service}`} data-up={newest.up}>
      <Table.Td fw={600}>{service}</Table.Td>
      <Table.Td>
        <Badge color={newest.up ? 'teal' : 'red'}>{t(newest.up ? 'services.up' : 'services.down')}</Badge>
        {newest.error && (
          <Text fz="xs" className="muted" lineClamp={2}>
            {newest.error}
          </Text>
        )}
      </Table.Td>
      <Table.Td ta="right" className="nowrap">
        {memory === null ? '–' : t('unit.mebibytes', { value: format.integer(memory / MEBIBYTE) })}
      </Table.Td>
      <Table.Td ta="right">{cpu === null ? '–' : format.percent(cpu)}</Table.Td>
      <Table.Td ta="right" className="muted nowrap" visibleFrom="sm">
        {format.ago(newest.at, now)}
      </Table.Td>
    </Table.Tr>
  );
}
