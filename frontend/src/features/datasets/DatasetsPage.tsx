import { Button, Stack, Tabs } from '@mantine/core';
import { IconDatabaseImport } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/access';
import { NotAllowed } from '@/shared/ui/NotAllowed';
import { PageHeader } from '@/shared/ui/PageHeader';
import { DatasetDrawer } from './DatasetDrawer';
import { LoadDialog } from './LoadDialog';
import { LoadedPanel } from './LoadedPanel';
import { RunPanel } from './RunPanel';
import { RunsPanel } from './RunsPanel';
import { useDatasetsSearch } from './useDatasetsSearch';

/** What is loaded, how fresh and whole it is, and how more gets in. */
export function DatasetsPage() {
  const { t } = useTranslation();
  const { search, update } = useDatasetsSearch();
  return (
    <Stack gap="lg">
      <PageHeader title={t('dataset.title')} subtitle={t('dataset.subtitle')} actions={<LoadButton />} />
      {search.run !== undefined && <RunPanel key={search.run} runId={search.run} />}
      <Tabs
        value={search.tab ?? 'loaded'}
        onChange={(tab) => {
          update({ tab: tab === 'loads' ? 'loads' : undefined });
        }}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="loaded">{t('dataset.tabs.loaded')}</Tabs.Tab>
          <Tabs.Tab value="loads">{t('dataset.tabs.loads')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="loaded">
          <LoadedPanel />
        </Tabs.Panel>
        <Tabs.Panel value="loads">
          <RunsPanel />
        </Tabs.Panel>
      </Tabs>
      <DatasetDrawer />
      <LoadDialog />
    </Stack>
  );
}

function LoadButton() {
  const { t } = useTranslation();
  const { update } = useDatasetsSearch();
  const allowed = useMay('write');
  return (
    <div>
      <Button
        leftSection={<IconDatabaseImport size={16} />}
        disabled={!allowed}
        onClick={() => {
          update({ load: 'sample' }, { replace: false });
        }}
        data-testid="load-prices"
      >
        {t('etl.open')}
      </Button>
      <NotAllowed when={!allowed} />
    </div>
  );
}
