import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { http, HttpResponse } from 'msw';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { bar, dataset, prediction } from '@/testing/factories';
import { FakeWebSocket } from '@/testing/FakeWebSocket';
import { renderApp } from '@/testing/render';
import { server, url } from '@/testing/server';

// jsdom has no canvas; what the chart is given is tested in pathOption.test.ts.
vi.mock('@/shared/charts/EChart', () => ({
  EChart: ({ label }: { label: string }) => <div role="img" aria-label={label} />,
}));

const TASK = '11111111-1111-4111-8111-111111111111';
let lists: URL[];

beforeEach(() => {
  FakeWebSocket.install();
  lists = [];
  server.use(
    http.get(url('/api/datasets'), () =>
      HttpResponse.json({ items: [dataset(), dataset({ ticker: 'IBM', name: 'IBM' })], total: 2 }),
    ),
    http.get(url('/api/system/clock'), () => HttpResponse.json({ timelines: [] })),
    http.get(url('/api/predict/'), ({ request }) => {
      lists.push(new URL(request.url));
      return HttpResponse.json({ items: [], next_cursor: null });
    }),
    http.get(url('/api/datasets/US/:ticker/prices'), () =>
      HttpResponse.json({ exchange: 'US', ticker: 'AAPL', items: [bar('2012-09-14', 100)] }),
    ),
  );
});

/** An answer of server-sent events, which the test sends one by one. */
function stream() {
  const body = new TransformStream<Uint8Array, Uint8Array>();
  const writer = body.writable.getWriter();
  const encoder = new TextEncoder();
  return {
    events: new HttpResponse(body.readable, { headers: { 'Content-Type': 'text/event-stream' } }),
    send: (name: string, data: object) => {
      void writer.write(encoder.encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`));
    },
    end: () => void writer.close(),
  };
}

describe('PredictPage', () => {
  it('predicts one session and leads to its explanation', async () => {
    const bodies: unknown[] = [];
    const made = prediction({ predicted_close: 123.45 });
    server.use(
      http.post(url('/api/predict/'), async ({ request }) => {
        bodies.push(await request.json());
        return HttpResponse.json(made);
      }),
    );
    renderApp('/predict?exchange=US&ticker=IBM');
    await userEvent.click(await screen.findByTestId('predict-submit'));
    expect(await screen.findByText('123.45')).toBeVisible();
    expect(screen.getByTestId('explain')).toHaveAttribute('href', `/predict/${made.prediction_id}`);
    expect(bodies).toEqual([{ exchange: 'US', ticker: 'IBM', horizon: 1 }]);
  });

  it("answers a horizon that is too long in its field, in the API's words", async () => {
    const errors = [{ field: 'body.days', message: 'the model forecasts up to 5 sessions' }];
    server.use(
      http.post(url('/api/predict/future/'), () =>
        HttpResponse.json({ title: 'Too far', detail: 'no', status: 422, errors }, { status: 422 }),
      ),
    );
    renderApp('/predict?mode=path');
    await userEvent.click(await screen.findByTestId('predict-submit'));
    expect(await screen.findByText('the model forecasts up to 5 sessions')).toBeVisible();
    expect(screen.getByTestId('predict-ahead')).toBeInvalid();
  });

  it('shows the days of a path as its events tell of them, and cancels it', async () => {
    const { events, send, end } = stream();
    const days = [
      prediction({ target_session: '2012-09-17', predicted_close: 101.11 }),
      prediction({ target_session: '2012-09-18', predicted_close: 102.22, horizon: 2 }),
    ];
    const told = (from: number, to: number, state = 'running') => ({
      task_id: TASK,
      state,
      progress: to / 4,
      days_done: to,
      days_total: 4,
      predictions: days.slice(from, to),
    });
    server.use(
      http.get(url(`/api/predict/future/stream/${TASK}`), () => events),
      http.delete(url(`/api/predict/future/${TASK}`), () => {
        send('end', told(2, 2, 'cancelled'));
        end();
        return HttpResponse.json({ task_id: TASK, state: 'cancelled' });
      }),
    );
    renderApp(`/predict?mode=path&task=${TASK}`);
    send('progress', told(0, 1));
    expect(await screen.findByText('101.11')).toBeVisible();
    expect(screen.getByTestId('path-progress')).toHaveAttribute('data-progress', '0.25');
    send('progress', told(1, 2));
    expect(await screen.findByText('102.22')).toBeVisible();
    expect(screen.getByText('101.11')).toBeVisible();
    await userEvent.click(screen.getByTestId('path-cancel'));
    expect(await screen.findByText(/Cancelled after 2 of 4 sessions/)).toBeVisible();
    expect(screen.queryByTestId('path-cancel')).toBeNull();
  });

  it('lists earlier predictions by the filters in the address', async () => {
    renderApp('/predict?exchange=US&ticker=AAPL&origin=job&settled=true');
    expect(await screen.findByText('No predictions yet')).toBeVisible();
    await waitFor(() => {
      expect(lists.map((item) => item.search).join()).toContain('origin=job&settled=true');
    });
  });

  it('shows one prediction with its explanation at an address of its own', async () => {
    const one = prediction();
    server.use(
      http.get(url(`/api/predict/${one.prediction_id}`), () =>
        HttpResponse.json({
          ...one,
          unexplained: null,
          explanation: {
            method: 'linear',
            scale: 'log_return',
            base: 0.001,
            output: 0.01,
            additive: true,
            features: [{ name: 'return_1', value: 0.02, contribution: 0.009 }],
          },
        }),
      ),
      http.get(url('/api/predict/unknown'), () =>
        HttpResponse.json({ title: 'x', status: 422 }, { status: 422 }),
      ),
    );
    const { router } = renderApp(`/predict/${one.prediction_id}`);
    expect(await screen.findByText('AAPL, forecast for Sep 17, 2012')).toBeVisible();
    expect(screen.getByTestId('explanation')).toHaveTextContent('return_1');
    void router.navigate({ to: '/predict/$predictionId', params: { predictionId: 'unknown' } });
    expect(await screen.findByText('There is no such prediction')).toBeVisible();
  });
});
