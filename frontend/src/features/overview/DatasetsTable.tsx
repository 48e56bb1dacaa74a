import { Anchor, Badge, Table, Text, Tooltip } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Dataset } from '@/api/datasets';
import { useFormat } from '@/shared/format/useFormat';
import { ScrollTable } from '@/shared/ui/ScrollTable';

/** What is in the warehouse, and how fresh it is on the market's clock. */
export function DatasetsTable({ datasets }: { datasets: readonly Dataset[] }) {
  const { t } = useTranslation();
  return (
    <ScrollTable label={t('dataset.title')} verticalSpacing="sm" highlightOnHover>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('dataset.ticker')}</Table.Th>
          <Table.Th visibleFrom="sm">{t('dataset.source')}</Table.Th>
          <Table.Th visibleFrom="md">{t('dataset.first')}</Table.Th>
          <Table.Th>{t('dataset.last')}</Table.Th>
          <Table.Th visibleFrom="sm" ta="right">
            {t('dataset.rows')}
          </Table.Th>
          <Table.Th visibleFrom="sm" ta="right">
            {t('dataset.close')}
          </Table.Th>
          <Table.Th ta="right">{t('dataset.freshness')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {datasets.map((dataset) => (
          <DatasetRow key={`${dataset.exchange}:${dataset.ticker}`} dataset={dataset} />
        ))}
      </Table.Tbody>
    </ScrollTable>
  );
}

function DatasetRow({ dataset }: { dataset: Dataset }) {
  const format = useFormat();
  const { exchange, ticker } = dataset;
  return (
    <Table.Tr data-testid={`dataset-${exchange}-${ticker}`}>
      <Table.Td>
        <Anchor
          renderRoot={(props) => (
            <Link to="/stock/$exchange/$ticker" params={{ exchange, ticker }} {...props} />
          )}
          fw={600}
          fz="sm"
        >
          {ticker}
        </Anchor>
        <Text fz="xs" className="muted">
          {exchange}
        </Text>
      </Table.Td>
      <Table.Td visibleFrom="sm">{dataset.source}</Table.Td>
      <Table.Td visibleFrom="md">{format.session(dataset.first_session)}</Table.Td>
      <Table.Td className="nowrap">{format.session(dataset.last_session)}</Table.Td>
      <Table.Td visibleFrom="sm" ta="right" data-testid="dataset-rows">
        {format.integer(dataset.rows)}
      </Table.Td>
      <Table.Td visibleFrom="sm" ta="right">
        {format.price(dataset.last_close)}
      </Table.Td>
      <Table.Td ta="right">
        <Freshness dataset={dataset} />
      </Table.Td>
    </Table.Tr>
  );
}

function Freshness({ dataset }: { dataset: Dataset }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Tooltip
      label={t('dataset.expected', { day: format.session(dataset.expected_session) })}
      events={{ hover: true, focus: true, touch: true }}
    >
      <Badge color={dataset.fresh ? 'teal' : 'yellow'}>
        {dataset.fresh ? t('dataset.fresh') : t('dataset.behind', { count: dataset.sessions_behind })}
      </Badge>
    </Tooltip>
  );
}
