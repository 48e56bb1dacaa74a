import { act, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { http, HttpResponse } from 'msw';
import { beforeEach, expect, it } from 'vitest';
import { alert, knownAlert, metrics, prediction } from '@/testing/factories';
import { FakeWebSocket } from '@/testing/FakeWebSocket';
import { renderApp } from '@/testing/render';
import { server, url } from '@/testing/server';

beforeEach(() => {
  FakeWebSocket.install();
  server.use(
    http.get(url('/api/datasets'), () => HttpResponse.json({ items: [], total: 0 })),
    http.get(url('/api/system/clock'), () => HttpResponse.json({ timelines: [] })),
  );
});

function send(path: string, events: unknown[]): void {
  act(() => {
    FakeWebSocket.last(path).send('update', 'c', events);
  });
}

it('turns what comes over the WebSockets into figures, services and predictions', async () => {
  renderApp('/monitoring');
  expect(await screen.findByText('Nothing came yet')).toBeVisible();

  send('/ws/metrics', [
    metrics({ samples: { stock_outbox_rows: 7 } }),
    metrics({ service: 'celery_train', up: false, error: 'connection refused' }),
  ]);
  expect(screen.getByTestId('metric-outbox')).toHaveAttribute('data-value', '7');
  expect(screen.getByTestId('services-up')).toHaveTextContent('1 of 2 up');
  expect(screen.getByText('connection refused')).toBeVisible();

  send('/ws/predictions', [prediction({ ticker: 'MSFT', predicted_close: 31.5 })]);
  expect(screen.getByTestId('feed-item')).toHaveTextContent('MSFT');
});

it('lists the interfaces that this installation has, and whether they answer', async () => {
  const links = { mlflow: 'http://127.0.0.1:5010', flower: 'http://127.0.0.1:5555' };
  server.use(
    http.get(url('/api/system/links'), () =>
      HttpResponse.json({ links, up: { mlflow: false, flower: true } }),
    ),
  );
  renderApp('/monitoring');
  const link = await screen.findByTestId('link-mlflow');
  expect(within(link).getByRole('link', { name: 'MLflow' })).toHaveAttribute('href', 'http://127.0.0.1:5010');
  expect(await within(link).findByText('Down')).toBeVisible();
  expect(screen.getByTestId('link-flower')).toHaveTextContent('Flower Up');
  expect(screen.queryByTestId('link-grafana')).toBeNull();
});

it('reads alerts again when one is raised, and acknowledges one with a word', async () => {
  let alerts = [knownAlert()];
  const sent: unknown[] = [];
  server.use(
    http.get(url('/api/alerts'), () => HttpResponse.json({ items: alerts, next_cursor: null })),
    http.post(url('/api/alerts/:id/acknowledge'), async ({ request, params }) => {
      sent.push(await request.json());
      alerts = alerts.map((item) =>
        item.alert_id === params.id
          ? { ...item, acknowledged_at: '2026-11-21T10:01:00Z', acknowledged_by: 'ann', comment: 'known' }
          : item,
      );
      return HttpResponse.json(alerts[0]);
    }),
  );
  renderApp('/monitoring?tab=alerts');
  expect(await screen.findAllByTestId('alert')).toHaveLength(1);
  await userEvent.click(screen.getByTestId('acknowledge'));
  await userEvent.type(await screen.findByTestId('alert-comment'), 'known');
  await userEvent.click(screen.getByTestId('form-submit'));
  expect(await screen.findByText('Seen to by ann: known')).toBeVisible();
  expect(screen.queryByTestId('acknowledge')).toBeNull();
  expect(sent).toEqual([{ comment: 'known' }]);

  alerts = [...alerts, knownAlert()];
  send('/ws/alerts', [alert()]);
  await waitFor(() => {
    expect(screen.getAllByTestId('alert')).toHaveLength(2);
  });
});

it('shows the quality of forecasts by ticker, and what is beyond its limit', async () => {
  const number = (
    monitor: string,
    part: string,
    measure: string,
    value: number,
    threshold: number | null,
  ) => ({
    monitor,
    part,
    measure,
    value,
    threshold,
  });
  const row = {
    exchange: 'US',
    ticker: 'AAPL',
    session: '2012-09-14',
    measured_at: '2026-11-21T10:00:00Z',
    model_name: 'stock-US-AAPL',
    model_version: '3',
    numbers: [
      number('accuracy', '1', 'rmse', 0.0123, null),
      number('coverage', '1', '0.9', 0.95, 0.9),
      number('parity', '', 'difference', 2e-9, 1e-9),
    ],
  };
  server.use(
    http.get(url('/api/monitoring'), () => HttpResponse.json({ items: [row] })),
    http.get(url('/api/monitoring/reports'), () => HttpResponse.json({ items: [] })),
  );
  renderApp('/monitoring?tab=quality');
  const shown = await screen.findByTestId('monitored-US-AAPL');
  expect(within(shown).getByText('1.23%')).toBeVisible();
  expect(within(shown).getByText('Parity')).toBeVisible();
  expect(await screen.findByText('No report was written yet')).toBeVisible();
});

it('starts a flow now', async () => {
  const flow = {
    name: 'monitoring',
    description: 'Looks at every ticker.',
    schedules: [],
    parameters: [],
    startable: true,
    last_run_id: null,
    last_run_state: null,
    last_run_at: null,
    next_run_at: null,
  };
  const started: string[] = [];
  server.use(
    http.get(url('/api/flows'), () => HttpResponse.json({ items: [flow] })),
    http.post(url('/api/flows/:name/runs'), ({ params }) => {
      started.push(String(params.name));
      return HttpResponse.json({ run_id: flow.name, state: 'pending', status_url: '' }, { status: 202 });
    }),
  );
  renderApp('/monitoring?tab=flows');
  await userEvent.click(await screen.findByRole('button', { name: 'Start monitoring now' }));
  await waitFor(() => {
    expect(started).toEqual(['monitoring']);
  });
});

it('says when the connection is lost', async () => {
  renderApp('/monitoring');
  await screen.findByRole('heading', { name: 'Monitoring' });
  send('/ws/metrics', [metrics()]);
  expect(screen.getByTestId('metrics-live-badge')).toHaveAttribute('data-state', 'live');
  act(() => {
    FakeWebSocket.last('/ws/metrics').drop();
  });
  expect(screen.getByTestId('metrics-live-badge')).toHaveAttribute('data-state', 'offline');
});
