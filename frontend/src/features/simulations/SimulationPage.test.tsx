import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { http, HttpResponse } from 'msw';
import { beforeEach, expect, it, vi } from 'vitest';
import type { Simulation } from '@/api/simulations';
import { FakeWebSocket } from '@/testing/FakeWebSocket';
import { renderApp } from '@/testing/render';
import { server, url } from '@/testing/server';
import {
  completedSimulation,
  simulation,
  simulationDecision,
  SIMULATION_ID,
  simulationSummary,
} from '@/testing/simulationFactories';

// jsdom has no canvas; what a chart is given is tested in builders.test.ts.
vi.mock('@/shared/charts/EChart', () => ({
  EChart: ({ label }: { label: string }) => <div role="img" aria-label={label} />,
}));

const PAGE = `/simulations/${SIMULATION_ID}`;
const API = `/api${PAGE}`;
let shown: Simulation;

beforeEach(() => {
  FakeWebSocket.install();
  shown = simulation();
  server.use(
    http.get(url('/api/datasets'), () => HttpResponse.json({ items: [], total: 0 })),
    http.get(url('/api/system/clock'), () => HttpResponse.json({ timelines: [] })),
    http.get(url('/api/simulations'), () => HttpResponse.json({ items: [], next_cursor: null })),
    http.get(url(API), () => HttpResponse.json(shown)),
    http.get(url(`${API}/decisions`), () => HttpResponse.json({ total: 1, items: [simulationDecision()] })),
  );
});

it('tells the session that is at work, what is left, what has happened, and what was decided', async () => {
  renderApp(PAGE);
  const panel = await screen.findByTestId('simulation-progress');
  expect(panel).toHaveTextContent('Mar 14, 2011: forecasting');
  expect(panel).toHaveTextContent('30.0% · about 10 minutes left');
  expect(panel).toHaveTextContent('300 / 1,000');
  const table = await screen.findByTestId('decisions-table');
  expect(within(table).getByText('Refused')).toBeVisible();
  expect(within(table).getByText('In the shadow not worse than the champion')).toBeInTheDocument();
});

it('tells a first model that serves against the gate from a promotion', async () => {
  const first = simulationDecision({ event: 'promoted', from_state: null, to_state: 'confirmed' });
  server.use(http.get(url(`${API}/decisions`), () => HttpResponse.json({ total: 1, items: [first] })));
  renderApp(`${PAGE}?tab=decisions`);
  const table = await screen.findByTestId('decisions-table');
  expect(within(table).getByText('First model')).toBeVisible();
  expect(within(table).queryByText('Promoted')).toBeNull();
});

it('ends one after asking, and goes on with one that was interrupted', async () => {
  server.use(
    http.post(url(`${API}/cancel`), () => {
      shown = simulation({ state: 'cancelled' });
      return HttpResponse.json(shown);
    }),
    http.post(url(`${API}/resume`), () => {
      shown = simulation();
      return HttpResponse.json(
        { simulation_id: SIMULATION_ID, state: 'pending', status_url: '' },
        { status: 202 },
      );
    }),
  );
  shown = simulation({ state: 'paused' });
  renderApp(PAGE);
  expect(await screen.findByText(/keeps its place/)).toBeVisible();
  await userEvent.click(screen.getByTestId('simulation-resume'));
  await waitFor(() => {
    expect(screen.getByTestId('simulation-progress')).toHaveAttribute('data-state', 'running');
  });
  expect(screen.queryByTestId('simulation-resume')).toBeNull();
  await userEvent.click(screen.getByTestId('simulation-cancel'));
  await userEvent.click(await screen.findByTestId('confirm-button'));
  await waitFor(() => {
    expect(screen.getByTestId('simulation-progress')).toHaveAttribute('data-state', 'cancelled');
  });
  expect(screen.queryByTestId('simulation-cancel')).toBeNull();
});

it('tells why one failed', async () => {
  shown = simulation({ state: 'failed', error: { title: 'No prices', detail: 'GOOG begins in 2004' } });
  renderApp(PAGE);
  expect(await screen.findByRole('alert')).toHaveTextContent('GOOG begins in 2004');
  expect(screen.getByTestId('simulation-resume')).toBeEnabled();
});

it('shows what a completed one came to, and its report in a frame that can do nothing but draw', async () => {
  shown = completedSimulation({ name: 'crisis' });
  renderApp(PAGE);
  expect(await screen.findByTestId('simulation-verified')).toHaveTextContent(
    'No look-ahead: 20 sampled days',
  );
  const outcome = screen.getByTestId('simulation-outcome');
  expect(outcome).toHaveTextContent('89.3% (90% stated)');
  expect(outcome).toHaveTextContent('20 × In the shadow not worse than the champion');
  expect(screen.getByRole('img', { name: 'The strategy ended at 1.4, holding at 1.6' })).toBeVisible();
  await userEvent.click(screen.getByTestId('tab-report'));
  const frame = await screen.findByTitle('Report of the simulation crisis');
  expect(frame).toHaveAttribute('sandbox', 'allow-scripts');
  expect(frame).toHaveAttribute('src', shown.page_url);
});

it('says when sampled days knew their future', async () => {
  const verified = { days: 20, equal: 19, differences: ['2011-03-14 AAPL: 1.01 before, 1.02 cut'] };
  shown = completedSimulation({ summary: simulationSummary({ verified }) });
  renderApp(PAGE);
  const told = await screen.findByTestId('simulation-verified');
  expect(told).toHaveTextContent('Only 19 of 20 sampled days');
  expect(told).toHaveTextContent('2011-03-14 AAPL');
});

it('forgets one after asking', async () => {
  shown = completedSimulation();
  server.use(http.delete(url(API), () => new HttpResponse(null, { status: 204 })));
  const { router } = renderApp(PAGE);
  await userEvent.click(await screen.findByTestId('simulation-delete'));
  await userEvent.click(await screen.findByTestId('confirm-button'));
  await waitFor(() => {
    expect(router.state.location.pathname).toBe('/simulations');
  });
});

it('says that one is not there', async () => {
  server.use(
    http.get(url(API), () => HttpResponse.json({ title: 'Not found', status: 404 }, { status: 404 })),
  );
  renderApp(PAGE);
  expect(await screen.findByText('There is no such simulation')).toBeVisible();
});
