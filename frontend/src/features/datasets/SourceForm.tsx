import { Button, Checkbox, Group, Stack, TagsInput } from '@mantine/core';
import { IconDatabaseImport } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStartEtl, type Exchange } from '@/api/etl';
import { FormProblem } from '@/shared/form/FormProblem';
import { useFieldErrors } from '@/shared/form/useFieldErrors';
import { ExchangeSelect } from './ExchangeSelect';

interface SourceFormProps {
  source: 'sample' | 'yfinance';
  onStarted: (runId: string) => void;
}

/** What to load from a source that the platform fetches itself. */
export function SourceForm({ source, onStarted }: SourceFormProps) {
  const { t } = useTranslation();
  const start = useStartEtl();
  const [tickers, setTickers] = useState<string[]>([]);
  const [exchange, setExchange] = useState<Exchange>('US');
  const [full, setFull] = useState(false);
  const errors = useFieldErrors(start.error, ['tickers', 'exchange', 'source']);
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        start.mutate(
          { source, tickers, exchange, full },
          {
            onSuccess: ({ run_id }) => {
              onStarted(run_id);
            },
          },
        );
      }}
    >
      <Stack gap="md">
        {source === 'yfinance' && (
          <ExchangeSelect value={exchange} onChange={setExchange} error={errors.fields.exchange} />
        )}
        <TagsInput
          label={t('etl.tickers')}
          description={t(`etl.tickersHint.${source}`)}
          placeholder={source === 'sample' ? 'AAPL' : '2330'}
          value={tickers}
          onChange={(values) => {
            setTickers(values.map((value) => value.trim().toUpperCase()));
          }}
          splitChars={[',', ' ', ';']}
          acceptValueOnBlur
          error={errors.fields.tickers ?? errors.fields.source}
          data-testid="etl-tickers"
        />
        <Checkbox
          label={t('etl.full')}
          description={t('etl.fullHint')}
          checked={full}
          onChange={(event) => {
            setFull(event.currentTarget.checked);
          }}
        />
        <FormProblem error={start.error} errors={errors} />
        <Group justify="flex-end">
          <Button
            type="submit"
            leftSection={<IconDatabaseImport size={16} />}
            loading={start.isPending}
            data-testid="etl-start"
          >
            {t('etl.start')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
