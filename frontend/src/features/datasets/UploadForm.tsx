import { Button, Checkbox, FileInput, Group, Stack, TextInput } from '@mantine/core';
import { IconFileUpload, IconUpload } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useUpload, type Exchange } from '@/api/etl';
import { FormProblem } from '@/shared/form/FormProblem';
import { useFieldErrors } from '@/shared/form/useFieldErrors';
import { ExchangeSelect } from './ExchangeSelect';

const FIELDS = ['ticker', 'exchange', 'columns', 'file'] as const;

/** Loads prices from a CSV or Parquet file. */
export function UploadForm({ onStarted }: { onStarted: (runId: string) => void }) {
  const { t } = useTranslation();
  const upload = useUpload();
  const [file, setFile] = useState<File | null>(null);
  const [ticker, setTicker] = useState('');
  const [exchange, setExchange] = useState<Exchange>('US');
  const [columns, setColumns] = useState('');
  const [skipBadRows, setSkipBadRows] = useState(false);
  const [missing, setMissing] = useState(false);
  const errors = useFieldErrors(upload.error, FIELDS);
  const submit = () => {
    setMissing(file === null);
    if (file === null) return;
    upload.mutate(
      { file, ticker, exchange, columns, skipBadRows },
      {
        onSuccess: ({ run_id }) => {
          onStarted(run_id);
        },
      },
    );
  };
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Stack gap="md">
        <FileInput
          label={t('upload.file')}
          description={t('upload.fileHint')}
          placeholder={t('upload.choose')}
          leftSection={<IconFileUpload size={16} />}
          accept=".csv,.parquet"
          clearable
          value={file}
          onChange={setFile}
          error={errors.fields.file ?? (missing && file === null ? t('upload.noFile') : undefined)}
          data-testid="upload-file"
        />
        <TextInput
          label={t('dataset.ticker')}
          description={t('upload.tickerHint')}
          value={ticker}
          onChange={(event) => {
            setTicker(event.currentTarget.value.toUpperCase());
          }}
          error={errors.fields.ticker}
          data-testid="upload-ticker"
        />
        <ExchangeSelect value={exchange} onChange={setExchange} error={errors.fields.exchange} />
        <TextInput
          label={t('upload.columns')}
          description={t('upload.columnsHint')}
          placeholder='{"close": "Px Last"}'
          value={columns}
          onChange={(event) => {
            setColumns(event.currentTarget.value);
          }}
          error={errors.fields.columns}
          data-testid="upload-columns"
        />
        <Checkbox
          label={t('upload.skip')}
          description={t('upload.skipHint')}
          checked={skipBadRows}
          onChange={(event) => {
            setSkipBadRows(event.currentTarget.checked);
          }}
        />
        <FormProblem error={upload.error} errors={errors} />
        <Group justify="flex-end">
          <Button
            type="submit"
            leftSection={<IconUpload size={16} />}
            loading={upload.isPending}
            data-testid="upload-start"
          >
            {t('upload.start')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
