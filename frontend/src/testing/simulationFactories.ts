import type { Simulation, SimulationDecision, SimulationSummary } from '@/api/simulations';
import { retrainingPolicy } from './retrainingFactories';

export const SIMULATION_ID = '66666666-6666-4666-8666-666666666666';

export function simulation(change: Partial<Simulation> = {}): Simulation {
  return {
    simulation_id: SIMULATION_ID,
    name: '',
    state: 'running',
    request: {
      first: '2010-01-04',
      last: '2013-12-31',
      tickers: ['AAPL', 'MSFT'],
      exchange: 'US',
      source: 'sample',
      model_type: 'ridge',
      features: [],
      policy: retrainingPolicy(),
      cost_bps: 5,
      verify: 20,
      seed: 7,
    },
    stage: 'forecasting',
    session: '2011-03-14',
    sessions_done: 300,
    sessions_total: 1000,
    progress: 0.3,
    seconds_left: 600,
    counts: {
      forecasts: 600,
      settled: 598,
      trainings: 12,
      promotions: 3,
      rejections: 8,
      rollbacks: 1,
      alerts: 4,
    },
    summary: null,
    report_url: null,
    page_url: null,
    error: null,
    created_by: 'ann',
    created_at: '2026-11-21T10:00:00Z',
    started_at: '2026-11-21T10:00:01Z',
    updated_at: '2026-11-21T10:05:00Z',
    finished_at: null,
    ...change,
  };
}

export function simulationSummary(change: Partial<SimulationSummary> = {}): SimulationSummary {
  return {
    forecasts: 2000,
    settled: 1996,
    trainings: 40,
    promotions: 5,
    rejections: 30,
    confirmations: 4,
    rollbacks: 1,
    failures: 0,
    rejected_because: { shadow_not_worse: 20, calibrated: 10 },
    rmse: 0.02,
    skill: -0.002,
    hit_rate: 0.51,
    coverage: 0.893,
    level: 0.9,
    money: {
      strategy_return: 0.4,
      buy_and_hold_return: 0.6,
      sharpe: 0.8,
      max_drawdown: 0.2,
      turnover: 0.1,
      cost_bps: 5,
    },
    alerts: 9,
    false_alarms: 2,
    alerts_by_detector: {},
    by_ticker: [
      {
        ticker: 'AAPL',
        forecasts: 1000,
        settled: 998,
        rmse: 0.02,
        skill: 0.001,
        hit_rate: 0.52,
        coverage: 0.9,
        trainings: 20,
        promotions: 3,
        rejections: 15,
        rollbacks: 1,
        strategy_return: 0.5,
        buy_and_hold_return: 0.7,
      },
    ],
    series: [
      { month: '2010-01', settled: 19, skill: null, coverage: 0.9, strategy: 1.01, buy_and_hold: 0.99 },
      { month: '2010-02', settled: 20, skill: 0.1, coverage: 0.88, strategy: 1.4, buy_and_hold: 1.6 },
    ],
    verified: { days: 20, equal: 20, differences: [] },
    ...change,
  };
}

export function completedSimulation(change: Partial<Simulation> = {}): Simulation {
  return simulation({
    state: 'completed',
    stage: 'done',
    progress: 1,
    sessions_done: 1000,
    seconds_left: null,
    summary: simulationSummary(),
    report_url: `/api/simulations/${SIMULATION_ID}/report`,
    page_url: `/api/simulations/pages/${SIMULATION_ID}?expires=1&signature=s`,
    finished_at: '2026-11-21T10:30:00Z',
    ...change,
  });
}

export function simulationDecision(change: Partial<SimulationDecision> = {}): SimulationDecision {
  return {
    session: '2011-03-14',
    ticker: 'AAPL',
    retraining_id: '77777777-7777-4777-8777-777777777777',
    event: 'refused',
    from_state: 'shadow',
    to_state: 'rejected',
    challenger: 4,
    detail: 'shadow_not_worse: expected ..., got ...',
    checks: [
      {
        name: 'shadow_not_worse',
        passed: false,
        expected: 'no larger errors',
        got: 'larger ones',
        numbers: {},
        alarm: false,
      },
    ],
    ...change,
  };
}
