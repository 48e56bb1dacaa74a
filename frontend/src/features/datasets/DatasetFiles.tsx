import { Button, Group, Stack, Text, Title } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useDownload, type FileContent, type FileFormat } from '@/api/datasetActions';
import type { Instrument } from '@/shared/instrument';
import { ProblemAlert } from '@/shared/ui/States';

const CONTENTS: readonly FileContent[] = ['prices', 'features'];
const FORMATS: Record<FileFormat, string> = { parquet: 'Parquet', csv: 'CSV' };

/** What is stored of a ticker as files, for programs of one's own. */
export function DatasetFiles({ instrument }: { instrument: Instrument }) {
  const { t } = useTranslation();
  const download = useDownload(instrument);
  const isAsked = (content: FileContent, format: FileFormat) =>
    download.isPending && download.variables.content === content && download.variables.format === format;
  return (
    <Stack gap="sm">
      <Title order={3} fz="md">
        {t('files.title')}
      </Title>
      {CONTENTS.map((content) => (
        <Group key={content} justify="space-between">
          <Text fz="sm">{t(`files.${content}`)}</Text>
          <Group gap="xs">
            {(Object.keys(FORMATS) as FileFormat[]).map((format) => (
              <Button
                key={format}
                size="xs"
                variant="default"
                leftSection={<IconDownload size={14} />}
                aria-label={t('files.download', { what: t(`files.${content}`), format: FORMATS[format] })}
                loading={isAsked(content, format)}
                onClick={() => {
                  download.mutate({ content, format });
                }}
                data-testid={`download-${content}-${format}`}
              >
                {FORMATS[format]}
              </Button>
            ))}
          </Group>
        </Group>
      ))}
      {download.isError && <ProblemAlert error={download.error} />}
    </Stack>
  );
}
