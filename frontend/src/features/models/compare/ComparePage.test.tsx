import { screen, within } from '@testing-library/react';
import { http, HttpResponse } from 'msw';
import { beforeEach, expect, it } from 'vitest';
import { FakeWebSocket } from '@/testing/FakeWebSocket';
import { MODEL_ID, modelVersion } from '@/testing/modelFactories';
import { renderApp } from '@/testing/render';
import { server, url } from '@/testing/server';

const PATH = `/models/${MODEL_ID}/compare`;

beforeEach(() => {
  FakeWebSocket.install();
  server.use(
    http.get(url('/api/datasets'), () => HttpResponse.json({ items: [], total: 0 })),
    http.get(url('/api/system/clock'), () => HttpResponse.json({ timelines: [] })),
  );
});

it('says which of two versions is better, and only beyond luck', async () => {
  const horizon = { sessions: 300, rmse_a: 0.01, rmse_b: 0.012 };
  server.use(
    http.get(url(`/api${PATH}`), () =>
      HttpResponse.json({
        registered_name: 'stock-US-AAPL',
        a: modelVersion({ version: 2 }),
        b: modelVersion({ version: 1, alias: null, trained_until: '2011-01-03' }),
        window: 'new_sessions',
        horizons: [
          { ...horizon, horizon: 1, p_a_worse: 0.99, p_b_worse: 0.01 },
          { ...horizon, horizon: 2, p_a_worse: 0.6, p_b_worse: 0.4 },
        ],
        settled: [],
      }),
    ),
  );
  renderApp(`${PATH}?a=2&b=1`);
  const table = await screen.findByTestId('compare-horizons');
  const [, first, second] = within(table).getAllByRole('row');
  expect(first).toHaveTextContent('version 2 is better');
  expect(second).toHaveTextContent('no difference beyond luck');
  expect(within(screen.getByTestId('compare-versions')).getByText('Jan 3, 2011')).toBeVisible();
});

it('asks for two different versions when the address has none', async () => {
  renderApp(`${PATH}?a=2&b=2`);
  expect(await screen.findByText('Choose two versions')).toBeVisible();
});
