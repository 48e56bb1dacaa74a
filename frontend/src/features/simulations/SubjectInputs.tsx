import { SegmentedControl, SimpleGrid, Stack, TagsInput, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { datasetsQuery } from '@/api/datasets';
import type { Exchange } from '@/api/etl';
import type { SIMULATION_FIELDS, SimulationForm } from './simulationForm';

/** The stocks of the sample that ships with the platform. */
const SAMPLE = ['AAPL', 'AMZN', 'GOOG', 'IBM', 'MSFT'];
const SOURCES = ['sample', 'stored'] as const;

interface SubjectInputsProps {
  form: SimulationForm;
  change: (part: Partial<SimulationForm>) => void;
  errors: Partial<Record<(typeof SIMULATION_FIELDS)[number], string>>;
}

/** Which stocks, by whose prices, over which years. */
export function SubjectInputs({ form, change, errors }: SubjectInputsProps) {
  const { t } = useTranslation();
  const datasets = useQuery(datasetsQuery());
  const stored = (datasets.data ?? []).filter((item) => item.exchange === form.exchange);
  const exchanges = [...new Set(datasets.data?.map((item) => item.exchange))];
  const sample = form.source === 'sample';
  return (
    <Stack gap="md">
      <div>
        <SegmentedControl
          aria-label={t('simulation.form.source')}
          value={form.source}
          onChange={(source) => {
            change({ source, tickers: [], exchange: 'US' });
          }}
          data={SOURCES.map((value) => ({ value, label: t(`simulation.form.sources.${value}`) }))}
        />
        <Text fz="xs" className="muted" mt={4}>
          {t(`simulation.form.sourceHint.${form.source}`)}
        </Text>
      </div>
      {!sample && exchanges.length > 1 && (
        <SegmentedControl
          size="xs"
          aria-label={t('dataset.exchange')}
          value={form.exchange}
          onChange={(exchange) => {
            // A market that has prices is one that the API knows.
            change({ exchange: exchange as Exchange, tickers: [] });
          }}
          data={exchanges}
          style={{ alignSelf: 'flex-start' }}
        />
      )}
      <SimpleGrid cols={{ base: 1, lg: 2 }}>
        <TagsInput
          label={t('etl.tickers')}
          description={t('simulation.form.tickersHint')}
          data={sample ? SAMPLE : stored.map((item) => item.ticker)}
          value={form.tickers}
          onChange={(tickers) => {
            change({ tickers: tickers.map((ticker) => ticker.trim().toUpperCase()) });
          }}
          splitChars={[',', ' ', ';']}
          acceptValueOnBlur
          error={errors.tickers ?? errors.exchange ?? errors.source}
          data-testid="simulation-tickers"
        />
        <SimpleGrid cols={2}>
          {(['first', 'last'] as const).map((edge) => (
            <TextInput
              key={edge}
              type="date"
              label={t(`simulation.form.${edge}`)}
              description={t(`simulation.form.${edge}Hint`)}
              value={form[edge]}
              onChange={(event) => {
                change({ [edge]: event.currentTarget.value });
              }}
              error={errors[edge]}
              data-testid={`simulation-${edge}`}
            />
          ))}
        </SimpleGrid>
      </SimpleGrid>
    </Stack>
  );
}
