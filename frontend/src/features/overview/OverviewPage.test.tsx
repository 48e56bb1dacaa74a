import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { http, HttpResponse } from 'msw';
import { beforeEach, describe, expect, it } from 'vitest';
import { accuracy, alert, bar, dataset, prediction } from '@/testing/factories';
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
    expect(screen.getByTestId('first-load')).toHaveAttribute('href', '/datasets?load=sample');
  });

  it('shows what is loaded, its freshness and its forecast', async () => {
    serve(
      [dataset({ fresh: false, sessions_behind: 2 })],
      [prediction({ predicted_close: 695.5, last_close: 691.28 })],
    );
    renderApp('/');
    const card = await screen.findByTestId('forecast-US-AAPL');
    expect(within(card).getByText('2 sessions behind')).toBeVisible();
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
    expect(await screen.findByTestId('forecast-US-AAPL')).toBeVisible();
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

  it('says that a model is no better than a random walk when its settled forecasts are not', async () => {
    serve([dataset()], [prediction()]);
    server.use(
      http.get(url('/api/predict/accuracy'), () =>
        HttpResponse.json({ window: 63, items: [accuracy({ skill: -0.02, n: 40 })] }),
      ),
    );
    renderApp('/');
    expect(await screen.findByText('No better than a random walk')).toBeVisible();
  });

  it('names the services that do not answer', async () => {
    serve([], []);
    const services = [
      { name: 'redis', ok: true, seconds: 0.01 },
      { name: 'clickhouse', ok: false, seconds: 2, error: 'refused' },
    ];
    server.use(
      http.get(url('/api/system/health'), () => HttpResponse.json({ status: 'degraded', services })),
    );
    renderApp('/');
    const tile = await screen.findByTestId('glance-services');
    expect(await within(tile).findByText('1 of 2 up')).toBeVisible();
    expect(within(tile).getByText('clickhouse')).toBeVisible();
    expect(tile).toHaveAttribute('data-tone', 'bad');
  });

  it('shows the stocks of a watchlist only, those that are not loaded as well', async () => {
    serve([dataset(), dataset({ ticker: 'MSFT' })], [prediction()]);
    const list = {
      watchlist_id: '11111111-1111-4111-8111-111111111111',
      name: 'Mine',
      instruments: [
        { exchange: 'US', ticker: 'AAPL' },
        { exchange: 'TW', ticker: '2330' },
      ],
      created_at: '2026-11-21T10:00:00Z',
      updated_at: '2026-11-21T10:00:00Z',
    };
    server.use(http.get(url('/api/watchlists'), () => HttpResponse.json({ items: [list] })));
    renderApp(`/?list=${list.watchlist_id}`);
    expect(await screen.findByText('2330')).toBeVisible();
    expect(screen.getByTestId('forecast-US-AAPL')).toBeVisible();
    expect(screen.queryByTestId('forecast-US-MSFT')).toBeNull();
  });

  it("puts the API's message about a watchlist's name at its field", async () => {
    serve([dataset()], [prediction()]);
    server.use(
      http.post(url('/api/watchlists'), () =>
        HttpResponse.json(
          {
            title: 'Malformed request',
            detail: 'body.name: too short',
            errors: [{ field: 'body.name', message: 'String should have at least 1 character' }],
          },
          { status: 422 },
        ),
      ),
    );
    renderApp('/');
    await userEvent.click(await screen.findByTestId('new-watchlist'));
    await userEvent.click(await screen.findByTestId('form-submit'));
    expect(await screen.findByText('String should have at least 1 character')).toBeVisible();
    expect(screen.getByTestId('watchlist-name')).toBeInvalid();
  });

  it('speaks Chinese when asked to, of alerts as well', async () => {
    serve([dataset()], []);
    const down = alert({
      fingerprint: 'service_down:backend1',
      subject: 'backend1',
      title: 'backend1 does not answer',
    });
    server.use(http.get(url('/api/alerts'), () => HttpResponse.json({ items: [down], next_cursor: null })));
    renderApp('/');
    await userEvent.click(await screen.findByTestId('language-toggle'));
    expect(await screen.findByRole('heading', { name: '總覽' })).toBeVisible();
    expect(await within(screen.getByTestId('glance-alerts')).findByText('backend1 沒有回應')).toBeVisible();
    await userEvent.click(screen.getByTestId('language-toggle'));
    expect(await screen.findByRole('heading', { name: 'Overview' })).toBeVisible();
  });
});
