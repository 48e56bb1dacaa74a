import { SegmentedControl, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Dialog } from '@/shared/ui/Dialog';
import { isLoadSource, LOAD_SOURCES, type LoadSource } from './loadSource';
import { SourceForm } from './SourceForm';
import { UploadForm } from './UploadForm';
import { useDatasetsSearch } from './useDatasetsSearch';

/** Starts a load: of the shipped sample, from Yahoo, or of a file. */
export function LoadDialog() {
  const { t } = useTranslation();
  const { search, update } = useDatasetsSearch();
  const source = search.load;
  if (source === undefined) return null;
  return (
    <Dialog
      onClose={() => {
        update({ load: undefined });
      }}
      title={t('etl.title')}
      size="lg"
      data-testid="load-dialog"
    >
      <Forms source={source} />
    </Dialog>
  );
}

function Forms({ source }: { source: LoadSource }) {
  const { t } = useTranslation();
  const { update } = useDatasetsSearch();
  const follow = (runId: string) => {
    update({ load: undefined, run: runId });
  };
  return (
    <Stack gap="md">
      <SegmentedControl
        fullWidth
        aria-label={t('etl.source')}
        value={source}
        onChange={(value) => {
          if (isLoadSource(value)) update({ load: value });
        }}
        data={LOAD_SOURCES.map((value) => ({ value, label: t(`etl.sources.${value}`) }))}
      />
      <Text fz="sm" className="muted">
        {t(`etl.about.${source}`)}
      </Text>
      {source === 'file' ? (
        <UploadForm onStarted={follow} />
      ) : (
        <SourceForm key={source} source={source} onStarted={follow} />
      )}
    </Stack>
  );
}
