import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { http, HttpResponse } from 'msw';
import { expect, it } from 'vitest';
import { FakeWebSocket } from '@/testing/FakeWebSocket';
import { renderApp } from '@/testing/render';
import { server, url } from '@/testing/server';

const REPORT = {
  name: 'US-AAPL-2012-09-14',
  exchange: 'US',
  ticker: 'AAPL',
  written_at: '2026-11-21T10:00:00Z',
  model_version: 3,
  size: 2048,
  url: '/api/monitoring/reports/US-AAPL-2012-09-14',
  page_url: '/api/monitoring/pages/US-AAPL-2012-09-14?expires=1&signature=s',
};

const OLDER = { ...REPORT, name: 'US-AAPL-2012-08-01', page_url: '/api/monitoring/pages/older' };

/** Two pages of one report each; gives the cursors that are asked for. */
function serveReports(): (string | null)[] {
  const asked: (string | null)[] = [];
  FakeWebSocket.install();
  server.use(
    http.get(url('/api/datasets'), () => HttpResponse.json({ items: [], total: 0 })),
    http.get(url('/api/system/clock'), () => HttpResponse.json({ timelines: [] })),
    http.get(url('/api/monitoring'), () => HttpResponse.json({ items: [] })),
    http.get(url('/api/monitoring/reports'), ({ request }) => {
      const cursor = new URL(request.url).searchParams.get('cursor');
      asked.push(cursor);
      return HttpResponse.json(
        cursor === null
          ? { items: [REPORT], next_cursor: REPORT.name }
          : { items: [OLDER], next_cursor: null },
      );
    }),
  );
  return asked;
}

it('lists older reports on request', async () => {
  const asked = serveReports();
  renderApp('/monitoring?tab=quality');
  await screen.findByRole('button', { name: `Open ${REPORT.name}` });
  expect(asked).toEqual([null]);
  await userEvent.click(screen.getByRole('button', { name: 'Show more' }));
  expect(await screen.findByRole('button', { name: `Open ${OLDER.name}` })).toBeVisible();
  expect(asked).toEqual([null, REPORT.name]);
  expect(screen.queryByRole('button', { name: 'Show more' })).toBeNull();
});

it('opens the report of the address though it is an older one', async () => {
  serveReports();
  renderApp(`/monitoring?tab=quality&report=${OLDER.name}`);
  expect(await screen.findByTestId('framed-report')).toHaveAttribute('src', OLDER.page_url);
});

it('opens a drift report in a frame that can do nothing but draw, by the address', async () => {
  FakeWebSocket.install();
  const report = REPORT;
  server.use(
    http.get(url('/api/datasets'), () => HttpResponse.json({ items: [], total: 0 })),
    http.get(url('/api/system/clock'), () => HttpResponse.json({ timelines: [] })),
    http.get(url('/api/monitoring'), () => HttpResponse.json({ items: [] })),
    http.get(url('/api/monitoring/reports'), () => HttpResponse.json({ items: [report], next_cursor: null })),
  );
  const { router } = renderApp('/monitoring?tab=quality');
  await userEvent.click(await screen.findByRole('button', { name: `Open ${report.name}` }));
  const frame = await screen.findByTestId('framed-report');
  expect(frame).toHaveAttribute('src', report.page_url);
  expect(frame).toHaveAttribute('sandbox', 'allow-scripts');
  expect(router.state.location.search).toMatchObject({ report: report.name });
  await userEvent.keyboard('{Escape}');
  await waitFor(() => {
    expect(screen.queryByTestId('framed-report')).toBeNull();
  });
  expect(router.state.location.search).not.toHaveProperty('report', report.name);
});
