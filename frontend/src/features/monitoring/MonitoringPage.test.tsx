import { act, screen } from '@testing-library/react';
import { http, HttpResponse } from 'msw';
import { beforeEach, expect, it } from 'vitest';
import { alert, metrics, prediction } from '@/testing/factories';
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

it('turns what comes over the WebSockets into figures, services, predictions and alerts', async () => {
  renderApp('/monitoring');
  expect(await screen.findByText('All quiet')).toBeVisible();
  expect(screen.getByText('Nothing came yet')).toBeVisible();

  send('/ws/metrics', [
    metrics({ samples: { stock_outbox_rows: 7 } }),
    metrics({ service: 'celery_train', up: false, error: 'connection refused' }),
  ]);
  expect(screen.getByTestId('metric-outbox')).toHaveAttribute('data-value', '7');
  expect(screen.getByTestId('services-up')).toHaveTextContent('1 of 2 up');
  expect(screen.getByText('connection refused')).toBeVisible();

  send('/ws/predictions', [prediction({ ticker: 'MSFT', predicted_close: 31.5 })]);
  expect(screen.getByTestId('feed-item')).toHaveTextContent('MSFT');

  send('/ws/alerts', [alert()]);
  expect(screen.getByTestId('alert')).toHaveTextContent('US:AAPL moved 8 standard deviations.');
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
