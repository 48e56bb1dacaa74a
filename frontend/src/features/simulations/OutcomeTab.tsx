import { Alert, List, SimpleGrid, Stack, Text } from '@mantine/core';
import { IconCheck, IconAlertTriangle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { SimulationSummary } from '@/api/simulations';
import { useFormat } from '@/shared/format/useFormat';
import { Metric } from '@/shared/ui/Metric';
import { Panel } from '@/shared/ui/Panel';
import { EquityPanel } from './EquityPanel';
import { TickersTable } from './TickersTable';

/** What a completed simulation adds up to. */
export function OutcomeTab({ summary }: { summary: SimulationSummary }) {
  return (
    <Stack gap="lg" data-testid="simulation-outcome">
      <Verified summary={summary} />
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg">
        <Forecasts summary={summary} />
        <Loop summary={summary} />
      </SimpleGrid>
      <EquityPanel summary={summary} />
      <TickersTable tickers={summary.by_ticker} />
    </Stack>
  );
}

/** Whether any day knew its future. */
function Verified({ summary: { verified } }: { summary: SimulationSummary }) {
  const { t } = useTranslation();
  if (verified === null) return null;
  const { days, equal, differences } = verified;
  const same = equal === days;
  return (
    <Alert
      color={same ? 'teal' : 'red'}
      role="status"
      icon={same ? <IconCheck size={18} /> : <IconAlertTriangle size={18} />}
      data-testid="simulation-verified"
    >
      {t(same ? 'simulation.verified.same' : 'simulation.verified.different', { equal, count: days })}
      {differences.length > 0 && (
        <List size="sm" mt="xs">
          {differences.map((item) => (
            <List.Item key={item}>{item}</List.Item>
          ))}
        </List>
      )}
    </Alert>
  );
}

function Forecasts({ summary }: { summary: SimulationSummary }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { money, settled, forecasts, skill, hit_rate, coverage, level } = summary;
  const share = (value: number | null) => (value === null ? '–' : format.percent(value, 1));
  return (
    <Panel title={t('simulation.outcome.forecasts')}>
      <SimpleGrid cols={{ base: 2, sm: 3 }} spacing="md">
        <Metric label={t('simulation.count.settled')}>
          {format.integer(settled)} <span className="muted">/ {format.integer(forecasts)}</span>
        </Metric>
        <Metric label={t('models.column.skill')} hint={t('simulation.skillHint')}>
          {skill === null ? '–' : format.change(skill)}
        </Metric>
        <Metric label={t('simulation.outcome.hitRate')}>{share(hit_rate)}</Metric>
        <Metric label={t('scores.coverage')}>
          {share(coverage)}{' '}
          <span className="muted">{t('record.stated', { share: format.percent(level) })}</span>
        </Metric>
        <Metric label={t('simulation.outcome.return')} hint={t('backtest.besideHint')}>
          {format.change(money.strategy_return, 1)}{' '}
          <span className="muted">/ {format.change(money.buy_and_hold_return, 1)}</span>
        </Metric>
        <Metric label={t('backtest.drawdown')}>{format.percent(money.max_drawdown, 1)}</Metric>
        <Metric label={t('backtest.sharpe')}>
          {money.sharpe === null ? '–' : format.number(money.sharpe)}
        </Metric>
        <Metric label={t('backtest.cost')}>
          {t('backtest.bps', { value: format.number(money.cost_bps, 1) })}
        </Metric>
      </SimpleGrid>
    </Panel>
  );
}

const STEPS = ['trainings', 'promotions', 'rejections', 'confirmations', 'rollbacks', 'failures'] as const;

/** What the closed loop did, and how often its alarms were false. */
function Loop({ summary }: { summary: SimulationSummary }) {
  const { t } = useTranslation();
  const format = useFormat();
  const because = Object.entries(summary.rejected_because).sort(([, a], [, b]) => b - a);
  return (
    <Panel title={t('simulation.outcome.loop')}>
      <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="md">
        {STEPS.map((step) => (
          <Metric key={step} label={t(`simulation.count.${step}`)}>
            {format.integer(summary[step])}
          </Metric>
        ))}
        <Metric label={t('simulation.count.alerts')}>{format.integer(summary.alerts)}</Metric>
        <Metric label={t('simulation.outcome.falseAlarms')} hint={t('simulation.outcome.falseAlarmsHint')}>
          {format.integer(summary.false_alarms)}
        </Metric>
      </SimpleGrid>
      {because.length > 0 && (
        <div>
          <Text fz="xs" className="muted" mb={4}>
            {t('simulation.outcome.because')}
          </Text>
          {because.map(([check, count]) => (
            <Text key={check} fz="sm">
              {format.integer(count)} × {t(`gate.check.${check}` as 'gate.check.calibrated', check)}
            </Text>
          ))}
        </div>
      )}
    </Panel>
  );
}
