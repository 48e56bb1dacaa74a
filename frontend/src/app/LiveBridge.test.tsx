import { screen, waitFor } from '@testing-library/react';
import { http, HttpResponse } from 'msw';
import { beforeEach, expect, it } from 'vitest';
import { bar, dataset, prediction } from '@/testing/factories';
import { FakeWebSocket } from '@/testing/FakeWebSocket';
import { renderApp } from '@/testing/render';
import { server, url } from '@/testing/server';

let reads: number;

beforeEach(() => {
  FakeWebSocket.install();
  reads = 0;
  server.use(
    http.get(url('/api/datasets'), () => {
      reads += 1;
      return HttpResponse.json({ items: [dataset({ last_close: 100 + reads })], total: 1 });
    }),
    http.get(url('/api/system/clock'), () => HttpResponse.json({ timelines: [] })),
    http.get(url('/api/predict/'), () => HttpResponse.json({ items: [prediction()], next_cursor: null })),
    http.get(url('/api/datasets/US/AAPL/prices'), () =>
      HttpResponse.json({ exchange: 'US', ticker: 'AAPL', items: [bar('2012-09-14', 100)] }),
    ),
  );
});

it('reads the list again once per released session, however many predictions tell of it', async () => {
  renderApp('/');
  await screen.findByTestId('predicted-close');
  const socket = FakeWebSocket.last('/ws/predictions');
  socket.send('snapshot', 'c', [prediction({ as_of: '2012-09-13' }), prediction({ as_of: '2012-09-14' })]);
  socket.send('update', 'c', [prediction({ as_of: '2012-09-14' })]);
  expect(reads).toBe(1);

  socket.send('update', 'c', [prediction({ as_of: '2012-09-17' }), prediction({ as_of: '2012-09-17' })]);
  socket.send('update', 'c', [prediction({ as_of: '2012-09-17', ticker: 'MSFT' })]);
  await waitFor(() => {
    expect(screen.getByTestId('last-close')).toHaveTextContent('102.00');
  });
  expect(reads).toBe(2);
});
