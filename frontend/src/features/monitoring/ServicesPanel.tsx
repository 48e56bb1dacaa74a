import { Badge, Skeleton, Stack, Table, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { MetricsEvent } from '@/api/events';
import { useFormat } from '@/shared/format/useFormat';
import { Panel } from '@/shared/ui/Panel';
import { useNow } from '@/shared/useNow';
import type { Scrapes } from './overview';
import { increase, secondsBetween, total } from './samples';

const MEBIBYTE = 1024 * 1024;

/** Share of one core that a service used between its two newest scrapes. */
function cpuOf([now, before]: readonly MetricsEvent[]): number | null {
  if (!now || !before?.up || !now.up) return null;
  const after = total(now.samples, 'process_cpu_seconds_total');
  const seconds = secondsBetween(before, now);
  if (after === null || seconds <= 0) return null;
  return increase(total(before.samples, 'process_cpu_seconds_total'), after) / seconds;
}

/** Which services answer, and what they use. */
export function ServicesPanel({ scrapes }: { scrapes: Scrapes }) {
  const { t } = useTranslation();
  const newest = [...scrapes.values()].flatMap((events) => events.slice(0, 1));
  const up = newest.filter((event) => event.up).length;
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
        <Table.ScrollContainer minWidth={300} type="native">
          <Table fz="sm" verticalSpacing={8} horizontalSpacing="xs">
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
              {[...scrapes].map(([service, events]) => (
                <ServiceRow key={service} service={service} events={events} />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Panel>
  );
}

function ServiceRow({ service, events }: { service: string; events: readonly MetricsEvent[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const now = useNow();
  const newest = events[0];
  if (!newest) return null;
  const memory = total(newest.samples, 'process_resident_memory_bytes');
  const cpu = cpuOf(events);
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
        {format.ago(newest.scraped_at, now)}
      </Table.Td>
    </Table.Tr>
  );
}
