import { Button, Card, Group, SimpleGrid, Stack, Text } from '@mantine/core';
import { IconDatabaseOff, IconStar } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Dataset } from '@/api/datasets';
import { instrumentKey, type Instrument } from '@/shared/instrument';
import { EmptyState } from '@/shared/ui/States';
import { ForecastCard } from './ForecastCard';
import { useShownList } from './useShownList';

/** Cards shown at first; every card asks for its forecast and its last closes. */
const FIRST_CARDS = 12;

/** The newest forecast of every stock of the list that is shown. */
export function Forecasts({ datasets }: { datasets: readonly Dataset[] }) {
  const { t } = useTranslation();
  const [all, setAll] = useState(false);
  const { shown: list } = useShownList();
  const instruments: readonly Instrument[] = list?.instruments ?? datasets;
  const shown = all ? instruments : instruments.slice(0, FIRST_CARDS);
  const loaded = new Map(datasets.map((dataset) => [instrumentKey(dataset), dataset]));
  if (instruments.length === 0) {
    return (
      <Card>
        <EmptyState icon={<IconStar size={26} />} title={t('watchlist.empty.title')}>
          {t('watchlist.empty.detail')}
        </EmptyState>
      </Card>
    );
  }
  return (
    <Stack gap="lg">
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg">
        {shown.map((instrument) => {
          const key = instrumentKey(instrument);
          const dataset = loaded.get(key);
          return dataset ? (
            <ForecastCard key={key} dataset={dataset} />
          ) : (
            <NotLoaded key={key} instrument={instrument} />
          );
        })}
      </SimpleGrid>
      {shown.length < instruments.length && (
        <Group justify="center">
          <Button
            variant="default"
            onClick={() => {
              setAll(true);
            }}
          >
            {t('overview.showAll', { count: instruments.length })}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

/** A stock of a watchlist that is not in the warehouse (yet). */
function NotLoaded({ instrument }: { instrument: Instrument }) {
  const { t } = useTranslation();
  return (
    <Card component="article" h="100%">
      <Text fw={650} fz="lg">
        {instrument.ticker}
      </Text>
      <Text fz="xs" className="muted">
        {instrument.exchange}
      </Text>
      <EmptyState
        icon={<IconDatabaseOff size={26} />}
        title={t('watchlist.notLoaded')}
        action={
          <Button
            mt="sm"
            size="xs"
            variant="default"
            renderRoot={(props) => <Link to="/datasets" search={{ load: 'yfinance' }} {...props} />}
          >
            {t('etl.open')}
          </Button>
        }
      />
    </Card>
  );
}
