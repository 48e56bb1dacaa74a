import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { http, HttpResponse } from 'msw';
import { beforeEach, expect, it } from 'vitest';
import type { Simulation } from '@/api/simulations';
import { FakeWebSocket } from '@/testing/FakeWebSocket';
import { modelTypes } from '@/testing/modelFactories';
import { renderApp } from '@/testing/render';
import { server, url } from '@/testing/server';
import { completedSimulation, simulation, SIMULATION_ID } from '@/testing/simulationFactories';

let items: Simulation[];

beforeEach(() => {
  FakeWebSocket.install();
  items = [];
  server.use(
    http.get(url('/api/datasets'), () => HttpResponse.json({ items: [], total: 0 })),
    http.get(url('/api/system/clock'), () => HttpResponse.json({ timelines: [] })),
    http.get(url('/api/models/types'), () => HttpResponse.json({ items: modelTypes() })),
    http.get(url('/api/simulations'), () => HttpResponse.json({ items, next_cursor: null })),
  );
});

it('says what a simulation is when there is none, and starts one as it is proposed', async () => {
  const sent: Record<string, unknown>[] = [];
  server.use(
    http.post(url('/api/simulations'), async ({ request }) => {
      sent.push((await request.json()) as Record<string, unknown>);
      const accepted = { simulation_id: SIMULATION_ID, state: 'pending', status_url: '' };
      return HttpResponse.json(accepted, { status: 202 });
    }),
    http.get(url(`/api/simulations/${SIMULATION_ID}`), () =>
      HttpResponse.json(simulation({ state: 'pending', session: null, progress: 0, seconds_left: null })),
    ),
    http.get(url(`/api/simulations/${SIMULATION_ID}/decisions`), () =>
      HttpResponse.json({ total: 0, items: [] }),
    ),
  );
  const { router } = renderApp('/simulations');
  expect(await screen.findByText('No simulation yet')).toBeVisible();
  await userEvent.click(screen.getByTestId('new-simulation'));
  await userEvent.clear(await screen.findByTestId('simulation-every'));
  await userEvent.type(screen.getByTestId('simulation-every'), '42');
  await userEvent.click(screen.getByTestId('simulation-start'));
  await waitFor(() => {
    expect(router.state.location.pathname).toBe(`/simulations/${SIMULATION_ID}`);
  });
  expect(await screen.findByText('Waiting for a worker…')).toBeVisible();
  expect(sent).toHaveLength(1);
  expect(sent[0]).toMatchObject({
    source: 'sample',
    tickers: ['AAPL', 'MSFT', 'IBM', 'GOOG'],
    first: '2010-01-04',
    last: '2013-12-31',
    retrain_every: 42,
    policy: null,
  });
});

it('says at its field what is wrong, and in words what is wrong with none', async () => {
  let errors = [
    { field: 'body.first', message: 'a day as YYYY-MM-DD' },
    { field: 'body.tickers', message: 'at least one' },
  ];
  server.use(
    http.post(url('/api/simulations'), () =>
      errors.length > 0
        ? HttpResponse.json({ title: 'Malformed', detail: '', status: 422, errors }, { status: 422 })
        : HttpResponse.json({ title: 'One is at work', detail: 'wait', status: 409 }, { status: 409 }),
    ),
  );
  renderApp('/simulations?start=true');
  await userEvent.clear(await screen.findByTestId('simulation-first'));
  await userEvent.click(screen.getByTestId('simulation-start'));
  expect(await screen.findByText('a day as YYYY-MM-DD')).toBeVisible();
  expect(screen.getByText('at least one')).toBeVisible();
  expect(screen.queryByRole('alert')).toBeNull();
  errors = [];
  await userEvent.click(screen.getByTestId('simulation-start'));
  expect(await screen.findByRole('alert')).toHaveTextContent('One is at work');
});

it('lists simulations with what they came to, and begins one like an earlier one', async () => {
  items = [
    simulation(),
    completedSimulation({ simulation_id: SIMULATION_ID.replace('6', '8'), name: 'crisis' }),
  ];
  server.use(http.get(url(`/api/simulations/${SIMULATION_ID}`), () => HttpResponse.json(simulation())));
  renderApp(`/simulations?start=true&like=${SIMULATION_ID}`);
  const table = await screen.findByTestId('simulations-table');
  const row = within(table).getByText('crisis').closest('tr');
  expect(row).toHaveTextContent('AAPL, MSFT');
  expect(row).toHaveTextContent('-0.20%');
  expect(within(table).getByText('30%')).toBeVisible();
  // The policy of the earlier one, as a whole.
  expect(await screen.findByTestId('trigger-age')).toBeVisible();
  expect(screen.getByTestId('simulation-last')).toHaveValue('2013-12-31');
});
