import { Drawer, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { datasetsQuery, type Dataset } from '@/api/datasets';
import { Freshness } from '@/features/forecast/Freshness';
import { StockLink } from '@/features/forecast/StockLink';
import { useFormat } from '@/shared/format/useFormat';
import { instrumentKey } from '@/shared/instrument';
import { DatasetFiles } from './DatasetFiles';
import { DeleteDataset } from './DeleteDataset';
import { QualityReport } from './QualityReport';
import { useDatasetsSearch } from './useDatasetsSearch';

/** One ticker's data: where it comes from, how whole it is, files of it, and its end. */
export function DatasetDrawer() {
  const { t } = useTranslation();
  const { search, update } = useDatasetsSearch();
  const datasets = useQuery(datasetsQuery());
  const dataset = datasets.data?.find((item) => instrumentKey(item) === search.dataset);
  const close = () => {
    update({ dataset: undefined });
  };
  return (
    <Drawer
      opened={dataset !== undefined}
      onClose={close}
      position="right"
      size="lg"
      title={dataset && `${dataset.ticker} · ${dataset.name || dataset.exchange}`}
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      {dataset && (
        <Stack gap="xl" data-testid="dataset-details">
          <Facts dataset={dataset} />
          <QualityReport instrument={dataset} />
          <DatasetFiles instrument={dataset} />
          <DeleteDataset dataset={dataset} onDeleted={close} />
        </Stack>
      )}
    </Drawer>
  );
}

function Facts({ dataset }: { dataset: Dataset }) {
  const { t } = useTranslation();
  const format = useFormat();
  const facts = [
    [t('dataset.span'), `${format.session(dataset.first_session)} – ${format.session(dataset.last_session)}`],
    [t('dataset.rows'), format.integer(dataset.rows)],
    [t('dataset.close'), format.price(dataset.last_close)],
    [t('dataset.source'), dataset.source],
    [t('dataset.clock'), t(dataset.timeline === 'replay' ? 'dataset.replayed' : 'dataset.live')],
    [t('dataset.loaded'), dataset.loaded_at ? format.instant(dataset.loaded_at) : '–'],
  ] as const;
  return (
    <Stack gap={8}>
      <Group justify="space-between">
        <Freshness dataset={dataset} />
        <StockLink instrument={dataset} fw={400}>
          {t('dataset.toStock')}
        </StockLink>
      </Group>
      {facts.map(([name, value]) => (
        <Group key={name} justify="space-between" gap="md" wrap="nowrap" align="baseline">
          <Text fz="sm" className="muted">
            {name}
          </Text>
          <Text fz="sm" ta="right">
            {value}
          </Text>
        </Group>
      ))}
    </Stack>
  );
}
