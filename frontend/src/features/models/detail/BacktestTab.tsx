import { SimpleGrid, Skeleton, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { backtestQuery, type BacktestRequest } from '@/api/modelVersions';
import type { ModelDetail, ModelVersion } from '@/api/models';
import { useFormat } from '@/shared/format/useFormat';
import { Panel } from '@/shared/ui/Panel';
import { ProblemAlert } from '@/shared/ui/States';
import { BacktestControls } from './BacktestControls';
import { BacktestFigures } from './BacktestFigures';
import { CostChart } from './CostChart';
import { EquityChart } from './EquityChart';
import { DEFAULT_COST, SWEEP } from './costs';
import { useModelPage } from './useModelPage';

/** What trading on the version's out-of-sample forecasts would have earned, with costs of one's choice. */
export function BacktestTab({ model, version }: { model: ModelDetail; version: ModelVersion }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { search } = useModelPage();
  const members = Array.isArray(model.spec.tickers) ? (model.spec.tickers as string[]) : [];
  const body: BacktestRequest = {
    version: version.version,
    horizon: Math.min(search.horizon ?? 1, version.horizon),
    mode: search.mode ?? 'long_flat',
    signal: 'return',
    threshold: 0,
    cost_bps: search.cost ?? DEFAULT_COST,
    slippage_bps: 0,
    sweep_bps: SWEEP,
    ticker: model.ticker ?? search.ticker ?? members[0],
  };
  const backtest = useQuery(backtestQuery(model.model_id, body));
  const found = backtest.data;
  return (
    <Stack gap="lg">
      <Panel title={t('backtest.title')} description={t('backtest.subtitle')}>
        <BacktestControls members={model.ticker === null ? members : []} longest={version.horizon} />
        {backtest.isPending && <Skeleton height={320} />}
        {backtest.isError && <ProblemAlert error={backtest.error} onRetry={backtest.refetch} />}
        {found && (
          <div style={{ opacity: backtest.isPlaceholderData ? 0.55 : 1, transition: 'opacity 0.2s' }}>
            <BacktestFigures backtest={found} />
          </div>
        )}
      </Panel>
      {found && (
        <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg">
          <EquityChart backtest={found} />
          <CostChart backtest={found} />
        </SimpleGrid>
      )}
      {found && (
        <p className="muted" style={{ fontSize: 'var(--mantine-font-size-xs)', margin: 0 }}>
          {t('backtest.span', {
            first: format.session(found.first_session),
            last: format.session(found.last_session),
            trials: found.trials,
          })}
        </p>
      )}
    </Stack>
  );
}
