import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { http, HttpResponse } from 'msw';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import * as download from '@/shared/download';
import { dataset } from '@/testing/factories';
import { FakeWebSocket } from '@/testing/FakeWebSocket';
import { renderApp } from '@/testing/render';
import { server, url } from '@/testing/server';

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

describe('what is loaded', () => {
  it('is found by name, and by what is behind its market', async () => {
    const { router } = renderApp('/datasets');
    expect(await screen.findByTestId('dataset-US-AAPL')).toBeVisible();
    await userEvent.type(screen.getByRole('textbox', { name: 'Ticker or name' }), 'micro');
    await waitFor(() => {
      expect(screen.queryByTestId('dataset-US-AAPL')).toBeNull();
    });
    expect(router.state.location.search).toEqual({ q: 'micro' });
    await userEvent.click(screen.getByRole('checkbox', { name: 'Behind only' }));
    expect(await screen.findByText('3 sessions behind')).toBeVisible();
  });

  it('says what to do when nothing matches', async () => {
    renderApp('/datasets?q=zzz');
    await userEvent.click(await screen.findByRole('button', { name: 'Clear the filters' }));
    expect(await screen.findByTestId('dataset-US-AAPL')).toBeVisible();
  });
});

describe('one dataset', () => {
  const quality = {
    exchange: 'US',
    ticker: 'AAPL',
    first_session: '2000-01-03',
    last_session: '2013-03-01',
    sessions_stored: 3_311,
    sessions_expected: 3_312,
    sessions_missing: 1,
    missing: ['2001-09-11'],
    rows_refused: 1,
    rows_resolved: 0,
    refused: [
      {
        session: '2004-01-02',
        row_number: 7,
        reason: 'high is below low',
        row: {},
        source: 'sample',
        seen_at: '2026-11-22T07:00:00Z',
        resolved_at: null,
      },
    ],
  };

  beforeEach(() => {
    server.use(http.get(url('/api/datasets/US/AAPL/quality'), () => HttpResponse.json(quality)));
  });

  it('tells its gaps and what was refused of it', async () => {
    renderApp('/datasets?dataset=US:AAPL');
    const report = await screen.findByTestId('quality');
    expect(await within(report).findByText('3,311 of 3,312 sessions')).toBeVisible();
    expect(within(report).getByText('Sep 11, 2001')).toBeVisible();
    expect(within(report).getByText('high is below low')).toBeVisible();
  });

  it('is saved as Parquet', async () => {
    const save = vi.spyOn(download, 'saveFile').mockImplementation(() => undefined);
    const asked: string[] = [];
    server.use(
      http.get(url('/api/datasets/US/AAPL/prices'), ({ request }) => {
        asked.push(new URL(request.url).search);
        return new HttpResponse('PAR1', { headers: { 'Content-Type': 'application/vnd.apache.parquet' } });
      }),
    );
    renderApp('/datasets?dataset=US:AAPL');
    await userEvent.click(await screen.findByTestId('download-prices-parquet'));
    await waitFor(() => {
      expect(save).toHaveBeenCalledWith('US-AAPL-prices.parquet', expect.anything());
    });
    expect(asked).toEqual(['?format=parquet&limit=20000']);
  });

  it("is deleted after asking, and a refusal is told in the API's words", async () => {
    let training = true;
    server.use(
      http.delete(url('/api/datasets/US/AAPL'), () =>
        training
          ? HttpResponse.json({ title: 'Conflict', detail: 'AAPL is being trained on.' }, { status: 409 })
          : HttpResponse.json({ exchange: 'US', ticker: 'AAPL', rows: 3_311 }),
      ),
    );
    const { router } = renderApp('/datasets?dataset=US:AAPL');
    await userEvent.click(await screen.findByTestId('delete-dataset'));
    await userEvent.click(await screen.findByTestId('confirm-button'));
    expect(await screen.findByText('AAPL is being trained on.')).toBeVisible();
    training = false;
    await userEvent.click(screen.getByTestId('confirm-button'));
    await waitFor(() => {
      expect(router.state.location.search).toEqual({});
    });
  });
});
