import { Group, SegmentedControl, Select, Slider, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { DEFAULT_COST, MOST_COST } from './costs';
import { useModelPage } from './useModelPage';

interface BacktestControlsProps {
  /** of a panel; empty otherwise */
  members: readonly string[];
  /** longest horizon of the version */
  longest: number;
}

/** Costs, what a forecast of a fall means, and how far ahead is looked; all of it stands in the address. */
export function BacktestControls({ members, longest }: BacktestControlsProps) {
  const { t } = useTranslation();
  const { search, update } = useModelPage();
  return (
    <Group align="flex-end" gap="lg">
      <CostSlider />
      <SegmentedControl
        aria-label={t('backtest.mode')}
        value={search.mode ?? 'long_flat'}
        onChange={(mode) => {
          update({ mode: mode === 'long_short' ? mode : undefined });
        }}
        data={[
          { value: 'long_flat', label: t('backtest.longFlat') },
          { value: 'long_short', label: t('backtest.longShort') },
        ]}
      />
      <Select
        w={170}
        aria-label={t('scores.horizon')}
        value={String(Math.min(search.horizon ?? 1, longest))}
        data={Array.from({ length: longest }, (_, index) => ({
          value: String(index + 1),
          label: t('models.ahead', { count: index + 1 }),
        }))}
        onChange={(value) => {
          update({ horizon: value === '1' ? undefined : Number(value) });
        }}
      />
      {members.length > 0 && (
        <Select
          w={140}
          aria-label={t('dataset.ticker')}
          value={search.ticker ?? members[0] ?? null}
          data={[...members]}
          onChange={(ticker) => {
            update({ ticker: ticker ?? undefined });
          }}
        />
      )}
    </Group>
  );
}

function CostSlider() {
  const { t } = useTranslation();
  const { search, update } = useModelPage();
  const held = search.cost ?? DEFAULT_COST;
  const [moved, setMoved] = useState<number | null>(null);
  return (
    <Stack gap={4} flex="1 1 260px" maw={420}>
      <Text fz="sm" id="cost-label">
        {t('backtest.cost')}: <strong>{t('backtest.bps', { value: moved ?? held })}</strong>
      </Text>
      <Slider
        min={0}
        max={MOST_COST}
        step={1}
        value={moved ?? held}
        label={null}
        thumbLabel={t('backtest.cost')}
        onChange={setMoved}
        onChangeEnd={(value) => {
          setMoved(null);
          update({ cost: value === DEFAULT_COST ? undefined : value });
        }}
        data-testid="cost-slider"
      />
    </Stack>
  );
}
