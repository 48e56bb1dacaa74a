import { Alert, SimpleGrid, Stack } from '@mantine/core';
import { IconCheck, IconEqual } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Backtest } from '@/api/modelVersions';
import { useFormat } from '@/shared/format/useFormat';
import { Metric } from '@/shared/ui/Metric';

/** Above this probability that the strategy earns more than its share of holding, it is called better. */
const SURE = 0.95;

/** The strategy beside holding the share, and whether the difference is more than luck. */
export function BacktestFigures({ backtest }: { backtest: Backtest }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { strategy, buy_and_hold: holding } = backtest;
  const sure = (strategy.deflated_alpha ?? 0) > SURE;
  const number = (value: number | null) => (value === null ? '–' : format.number(value));
  const share = (value: number | null) => (value === null ? '–' : format.percent(value));
  const beside = (mine: string, theirs: string) => (
    <>
      {mine} <span className="muted">/ {theirs}</span>
    </>
  );
  return (
    <Stack gap="md" data-testid="backtest-figures" data-return={strategy.total_return}>
      <Alert color={sure ? 'teal' : 'gray'} icon={sure ? <IconCheck size={18} /> : <IconEqual size={18} />}>
        {t(sure ? 'backtest.sure' : 'backtest.unsure', {
          probability: share(strategy.deflated_alpha),
        })}
      </Alert>
      <SimpleGrid cols={{ base: 2, sm: 3, lg: 5 }} spacing="md">
        <Metric label={t('backtest.return')} hint={t('backtest.besideHint')}>
          {beside(format.change(strategy.annualised_return), format.change(holding.annualised_return))}
        </Metric>
        <Metric label={t('backtest.sharpe')} hint={t('backtest.besideHint')}>
          {beside(number(strategy.sharpe), number(holding.sharpe))}
        </Metric>
        <Metric label={t('backtest.drawdown')} hint={t('backtest.besideHint')}>
          {beside(format.percent(strategy.max_drawdown), format.percent(holding.max_drawdown))}
        </Metric>
        <Metric label={t('backtest.alpha')} hint={t('backtest.alphaHint')}>
          {strategy.alpha === null ? '–' : format.change(strategy.alpha)}
        </Metric>
        <Metric label={t('backtest.breakEven')} hint={t('backtest.breakEvenHint')}>
          {strategy.break_even_bps === null
            ? '–'
            : t('backtest.bps', { value: format.number(strategy.break_even_bps, 1) })}
        </Metric>
        <Metric label={t('backtest.trades')}>{format.integer(strategy.trades)}</Metric>
        <Metric label={t('backtest.hitRate')}>{share(strategy.trade_hit_rate)}</Metric>
        <Metric label={t('backtest.exposure')}>{format.percent(strategy.exposure)}</Metric>
        <Metric label={t('backtest.turnover')}>{format.number(strategy.turnover_per_year, 1)}</Metric>
        <Metric label={t('backtest.deflated')} hint={t('backtest.deflatedHint')}>
          {share(strategy.deflated_sharpe)}
        </Metric>
      </SimpleGrid>
    </Stack>
  );
}
