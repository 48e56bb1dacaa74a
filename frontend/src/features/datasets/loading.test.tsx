import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { http, HttpResponse } from 'msw';
import { beforeEach, describe, expect, it } from 'vitest';
import { dataset } from '@/testing/factories';
import { FakeWebSocket } from '@/testing/FakeWebSocket';
import { renderApp } from '@/testing/render';
import { server, url } from '@/testing/server';

const RUN = '11111111-1111-4111-8111-111111111111';
const load = {
  exchange: 'US',
  ticker: 'AAPL',
  rows_read: 3_390,
  new: 3_389,
  changed: 0,
  unchanged: 0,
  rejected: 1,
  rejections: [{ session: '2004-01-02', row_number: 7, reason: 'high is below low' }],
  missing_sessions: 0,
  first_session: '2000-01-03',
  last_session: '2013-03-01',
  warehouse: 'all',
  notes: [],
  error: null,
};

function fileInput(): Promise<HTMLInputElement> {
  return waitFor(() => {
    const found = document.querySelector<HTMLInputElement>('input[type=file]');
    if (!found) throw new Error('not there yet');
    return found;
  });
}

function run(change: object = {}) {
  return {
    run_id: RUN,
    source: 'sample',
    state: 'running',
    created_at: '2026-11-22T07:00:00Z',
    started_at: '2026-11-22T07:00:01Z',
    finished_at: null,
    tickers_total: 2,
    tickers_done: 1,
    tickers: [load],
    error: null,
    message: '',
    ...change,
  };
}

beforeEach(() => {
  FakeWebSocket.install();
  server.use(
    http.get(url('/api/datasets'), () =>
      HttpResponse.json({
        items: [dataset(), dataset({ ticker: 'MSFT', name: 'Microsoft', fresh: false, sessions_behind: 3 })],
        total: 2,
      }),
    ),
    http.get(url('/api/system/clock'), () => HttpResponse.json({ timelines: [] })),
    http.get(url('/api/exchanges'), () => HttpResponse.json({ now: '2026-11-22T07:00:00Z', items: [] })),
  );
});

describe('loading', () => {
  it('starts the sample, and follows it ticker by ticker to its end', async () => {
    const asked: unknown[] = [];
    let polls = 0;
    server.use(
      http.post(url('/api/datasets/etl'), async ({ request }) => {
        asked.push(await request.json());
        return HttpResponse.json({ run_id: RUN, state: 'pending', status_url: '' }, { status: 202 });
      }),
      http.get(url(`/api/datasets/etl/${RUN}`), () => {
        polls += 1;
        const done = { state: 'completed', finished_at: '2026-11-22T07:00:09Z', tickers_done: 2 };
        return HttpResponse.json(polls === 1 ? run() : run(done));
      }),
    );
    const { router } = renderApp('/datasets');
    await userEvent.click(await screen.findByTestId('load-prices'));
    await userEvent.click(await screen.findByTestId('etl-start'));
    expect(await screen.findByText('1 of 2 tickers')).toBeVisible();
    expect(router.state.location.search).toEqual({ run: RUN });
    const row = screen.getByTestId('loaded-US-AAPL');
    expect(within(row).getByText('3,389')).toBeVisible();
    expect(within(row).getByText('high is below low')).toBeVisible();
    await waitFor(() => {
      expect(screen.getByTestId('etl-run')).toHaveAttribute('data-state', 'completed');
    });
    expect(asked).toEqual([{ source: 'sample', tickers: [], exchange: 'US', full: false }]);
  });

  it("puts the API's message about tickers at their field", async () => {
    server.use(
      http.post(url('/api/datasets/etl'), () =>
        HttpResponse.json(
          {
            title: 'Malformed request',
            detail: 'one field',
            errors: [{ field: 'body.tickers', message: 'yfinance needs tickers' }],
          },
          { status: 422 },
        ),
      ),
    );
    renderApp('/datasets?load=yfinance');
    await userEvent.click(await screen.findByTestId('etl-start'));
    expect(await screen.findByText('yfinance needs tickers')).toBeVisible();
    expect(screen.getByTestId('etl-tickers')).toBeInvalid();
  });

  it('asks for a file before it sends one, then sends it with what its columns do not say', async () => {
    const sent: [string, string][] = [];
    server.use(
      http.post(url('/api/datasets/upload'), async ({ request }) => {
        const form = await request.formData();
        for (const name of ['ticker', 'exchange', 'skip_bad_rows'])
          sent.push([name, form.get(name) as string]);
        return HttpResponse.json({ run_id: RUN, state: 'pending', status_url: '' }, { status: 202 });
      }),
      http.get(url(`/api/datasets/etl/${RUN}`), () => HttpResponse.json(run({ state: 'completed' }))),
    );
    renderApp('/datasets?load=file');
    await userEvent.click(await screen.findByTestId('upload-start'));
    expect(await screen.findByText('Choose a file first.')).toBeVisible();
    const file = new File(['date,close\n2026-01-02,1\n'], 'x.csv', { type: 'text/csv' });
    await userEvent.upload(await fileInput(), file);
    await userEvent.type(screen.getByTestId('upload-ticker'), 'acme');
    await userEvent.click(screen.getByTestId('upload-start'));
    expect(await screen.findByTestId('etl-run')).toBeVisible();
    expect(sent).toEqual([
      ['ticker', 'ACME'],
      ['exchange', 'US'],
      ['skip_bad_rows', 'false'],
    ]);
  });

  it('names the lines of a file that cannot be read', async () => {
    server.use(
      http.post(url('/api/datasets/upload'), () =>
        HttpResponse.json(
          {
            title: 'Malformed request',
            detail: '1 row cannot be read',
            errors: [{ field: 'line 3', message: 'close: not a number' }],
          },
          { status: 422 },
        ),
      ),
    );
    renderApp('/datasets?load=file');
    await userEvent.upload(await fileInput(), new File(['x'], 'x.csv', { type: 'text/csv' }));
    await userEvent.click(screen.getByTestId('upload-start'));
    expect(await screen.findByText('close: not a number')).toBeVisible();
    expect(screen.getByText('line 3')).toBeVisible();
  });

  it('says at the field whose prices are missing', async () => {
    const message = 'x.csv: no ticker column; say whose prices they are (ticker)';
    server.use(
      http.post(url('/api/datasets/upload'), () =>
        HttpResponse.json(
          { title: 'Invalid request', detail: message, errors: [{ field: 'body.ticker', message }] },
          { status: 422 },
        ),
      ),
    );
    renderApp('/datasets?load=file');
    await userEvent.upload(await fileInput(), new File(['x'], 'x.csv', { type: 'text/csv' }));
    await userEvent.click(screen.getByTestId('upload-start'));
    expect(await screen.findByText(message)).toBeVisible();
    expect(screen.getByTestId('upload-ticker')).toBeInvalid();
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('is not offered to a viewer, with the reason', async () => {
    server.use(
      http.get(url('/api/auth/me'), () =>
        HttpResponse.json({ name: 'vic', role: 'viewer', scopes: ['predict', 'read'], access: true }),
      ),
    );
    renderApp('/datasets');
    expect(await screen.findByText('Only operators may do this.')).toBeVisible();
    expect(screen.getByTestId('load-prices')).toBeDisabled();
  });
});
