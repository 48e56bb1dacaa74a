import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { http, HttpResponse } from 'msw';
import { beforeEach, describe, expect, it } from 'vitest';
import { bar, dataset, prediction } from '@/testing/factories';
import { FakeWebSocket } from '@/testing/FakeWebSocket';
import { renderApp } from '@/testing/render';
import { server, url } from '@/testing/server';

const timeline = {
  timeline: 'replay',
  market_now: '2012-09-14T20:00:00Z',
  session: '2012-09-14',
  ends_at: '2013-03-01',
  state: 'replaying',
};

function serve(datasets: unknown[], predictions: unknown[]): void {
  server.use(
    http.get(url('/api/datasets'), () => HttpResponse.json({ items: datasets, total: datasets.length })),
    http.get(url('/api/system/clock'), () => HttpResponse.json({ timelines: [timeline] })),
    http.get(url('/api/predict/'), () => HttpResponse.json({ items: predictions, next_cursor: null })),
    http.get(url('/api/datasets/US/AAPL/prices'), () =>
      HttpResponse.json({
        exchange: 'US',
        ticker: 'AAPL',
        items: [bar('2012-09-13', 682.98), bar('2012-09-14', 691.28)],
      }),
    ),
  );
}

beforeEach(() => {
  FakeWebSocket.install();
});

describe('OverviewPage', () => {
  it('says how to load prices when there are none', async () => {
    serve([], []);
    renderApp('/');
    expect(await screen.findByText('No prices are loaded yet')).toBeVisible();
    expect(screen.getByText('stock-mlops etl --source sample')).toBeVisible();
  });

  it('shows what is loaded, its freshness and its forecast', async () => {
    serve(
      [dataset({ fresh: false, sessions_behind: 2 })],
      [prediction({ predicted_close: 695.5, last_close: 691.28 })],
    );
    renderApp('/');
    const row = await screen.findByTestId('dataset-US-AAPL');
    expect(within(row).getByText('2 sessions behind')).toBeVisible();
    expect(within(row).getByText('3,157')).toBeVisible();
    const card = screen.getByTestId('forecast-US-AAPL');
    expect(await within(card).findByTestId('predicted-close')).toHaveTextContent('695.50');
    expect(within(card).getByText('Ridge · v3')).toBeVisible();
    expect(await screen.findByTestId('market-clock')).toHaveTextContent('Sep 14, 2012');
  });

  it('says plainly when no model stands behind a forecast', async () => {
    serve(
      [dataset()],
      [prediction({ fallback: true, model_name: 'random_walk', model_type: 'random_walk' })],
    );
    renderApp('/');
    expect(await screen.findByText('Random walk (no model trained)')).toBeVisible();
  });

  it('shows a forecast in the moment it comes over the WebSocket, without asking the API again', async () => {
    serve([dataset()], [prediction({ predicted_close: 695.5 })]);
    renderApp('/');
    expect(await screen.findByTestId('predicted-close')).toHaveTextContent('695.50');
    FakeWebSocket.last('/ws/predictions').send('update', 'c', [
      prediction({ made_at: '2026-11-21T10:00:09Z', as_of: '2012-09-14', predicted_close: 702.25 }),
    ]);
    await waitFor(() => {
      expect(screen.getByTestId('predicted-close')).toHaveTextContent('702.25');
    });
    expect(screen.getByTestId('live-badge')).toHaveAttribute('data-state', 'live');
  });

  it("shows a problem in the API's words, and tries again when asked", async () => {
    serve([dataset()], []);
    server.use(
      http.get(
        url('/api/datasets'),
        () =>
          HttpResponse.json({ title: 'Not now', detail: 'ClickHouse rests.', status: 500 }, { status: 500 }),
        { once: true },
      ),
    );
    renderApp('/');
    expect(await screen.findByText('ClickHouse rests.')).toBeVisible();
    await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
    expect(await screen.findByTestId('dataset-US-AAPL')).toBeVisible();
  });

  it('makes the first forecast of a stock that has none', async () => {
    serve([dataset()], []);
    const asked: unknown[] = [];
    server.use(
      http.post(url('/api/predict/'), async ({ request }) => {
        asked.push(await request.json());
        return HttpResponse.json(prediction({ predicted_close: 700 }));
      }),
    );
    renderApp('/');
    await userEvent.click(await screen.findByRole('button', { name: 'Predict now' }));
    expect(await screen.findByTestId('predicted-close')).toHaveTextContent('700.00');
    expect(asked).toEqual([{ exchange: 'US', ticker: 'AAPL', horizon: 1 }]);
  });

  it('speaks Chinese when asked to', async () => {
    serve([dataset()], []);
    renderApp('/');
    await userEvent.click(await screen.findByTestId('language-toggle'));
    expect(await screen.findByRole('heading', { name: '總覽' })).toBeVisible();
    await userEvent.click(screen.getByTestId('language-toggle'));
    expect(await screen.findByRole('heading', { name: 'Overview' })).toBeVisible();
  });
});
