import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { http, HttpResponse } from 'msw';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { bar, dataset, prediction, trainStatus } from '@/testing/factories';
import { FakeWebSocket } from '@/testing/FakeWebSocket';
import { renderApp } from '@/testing/render';
import { server, url } from '@/testing/server';

// jsdom has no canvas; what the chart is given is tested in chartData.test.ts.
vi.mock('@/shared/charts/PriceChartView', () => ({
  PriceChartView: () => <div data-testid="price-chart" />,
}));

const TASK = '11111111-1111-4111-8111-111111111111';
const history = [
  prediction({ target_session: '2012-09-17' }),
  prediction({ as_of: '2012-09-13', target_session: '2012-09-14', actual_close: 100.5, error_pct: 0.005 }),
];

beforeEach(() => {
  FakeWebSocket.install();
  server.use(
    http.get(url('/api/datasets'), () => HttpResponse.json({ items: [dataset()], total: 1 })),
    http.get(url('/api/system/clock'), () => HttpResponse.json({ timelines: [] })),
    http.get(url('/api/predict/'), ({ request }) => {
      const limit = Number(new URL(request.url).searchParams.get('limit'));
      return HttpResponse.json({ items: history.slice(0, limit), next_cursor: null });
    }),
    http.get(url('/api/datasets/US/AAPL/prices'), () =>
      HttpResponse.json({
        exchange: 'US',
        ticker: 'AAPL',
        items: [bar('2012-09-13', 99), bar('2012-09-14', 100)],
      }),
    ),
  );
});

describe('StockPage', () => {
  it('shows predictions against what happened', async () => {
    renderApp('/stock/US/AAPL');
    const table = await screen.findByTestId('prediction-history');
    expect(within(table).getByText('100.50')).toBeVisible();
    expect(within(table).getByText('+0.50%')).toBeVisible();
    expect(within(table).getByText('open')).toBeVisible();
    expect(await screen.findByText('1 forecast that has met its actual close')).toBeVisible();
  });

  it('lists those only that have met their actual closes when asked to, and keeps that in its address', async () => {
    const { router } = renderApp('/stock/US/AAPL');
    await screen.findByTestId('prediction-history');
    await userEvent.click(screen.getByRole('radio', { name: 'Settled' }));
    await waitFor(() => {
      expect(screen.queryByText('open')).toBeNull();
    });
    expect(router.state.location.search).toEqual({ settled: 'settled' });
  });

  it('explains a prediction: what the model was given, and what each input contributed', async () => {
    const asked = prediction();
    server.use(
      http.get(url(`/api/predict/${asked.prediction_id}`), () =>
        HttpResponse.json({
          ...asked,
          out_of_range: ['volume_z'],
          unexplained: null,
          explanation: {
            method: 'linear',
            scale: 'log_return',
            base: 0.001,
            output: -0.002,
            additive: true,
            features: [
              { name: 'rsi_14', value: 71.5, contribution: -0.004 },
              { name: 'close_to_ma5', value: 0.01, contribution: 0.001 },
            ],
          },
        }),
      ),
    );
    renderApp(`/stock/US/AAPL?prediction=${asked.prediction_id}`);
    const explanation = await screen.findByTestId('explanation');
    expect(within(explanation).getByText('-0.400%')).toBeVisible();
    expect(within(explanation).getByText('= 71.5')).toBeVisible();
    expect(screen.getByText('Beyond everything the model was trained on: volume_z.')).toBeVisible();
    expect(within(explanation).getByText(/add up to -0.200%/)).toBeVisible();
  });

  it('fetches the features of an indicator when it is switched on', async () => {
    const asked: string[][] = [];
    server.use(
      http.get(url('/api/datasets/US/AAPL/features'), ({ request }) => {
        asked.push(new URL(request.url).searchParams.getAll('names'));
        return HttpResponse.json({ exchange: 'US', ticker: 'AAPL', sessions: [], features: {} });
      }),
    );
    const { router } = renderApp('/stock/US/AAPL');
    await userEvent.click(await screen.findByTestId('indicators'));
    await userEvent.click(await screen.findByTestId('indicator-rsi'));
    await waitFor(() => {
      expect(asked).toEqual([['rsi_14']]);
    });
    expect(router.state.location.search).toEqual({ indicators: 'rsi' });
  });

  it('says how to load a stock that is not there', async () => {
    server.use(
      http.get(url('/api/datasets/US/ZZZ/prices'), () =>
        HttpResponse.json({ title: 'Unknown', detail: 'No prices of US:ZZZ.', status: 404 }, { status: 404 }),
      ),
    );
    renderApp('/stock/us/zzz');
    expect(await screen.findByText('No prices of US:ZZZ are loaded')).toBeVisible();
  });

  it('trains, follows the progress, and says when the model is no better than a random walk', async () => {
    const asked: unknown[] = [];
    let polls = 0;
    const metrics = { horizons: [{ horizon: 1, skill: -0.01, dm_p_value: 0.6, beats_random_walk: false }] };
    const result = { model_id: TASK, registered_name: 'stock-US-AAPL', version: 4, run_id: 'r', metrics };
    server.use(
      http.post(url('/api/train'), async ({ request }) => {
        asked.push(await request.json());
        return HttpResponse.json(
          { task_id: TASK, model_id: TASK, state: 'pending', status_url: '' },
          { status: 202 },
        );
      }),
      http.get(url(`/api/train/status/${TASK}`), () => {
        polls += 1;
        return HttpResponse.json(
          polls === 1 ? trainStatus() : trainStatus({ state: 'completed', progress: 1, result }),
        );
      }),
    );
    const { router } = renderApp('/stock/US/AAPL');
    await userEvent.click(await screen.findByTestId('train-button'));
    expect(await screen.findByText('horizon 2 of 5: fold 1 of 5')).toBeVisible();
    expect(screen.getByTestId('train-button')).toBeDisabled();
    expect(router.state.location.search).toEqual({ train: TASK });
    expect(await screen.findByTestId('train-verdict')).toHaveTextContent('No better than a random walk');
    expect(screen.getByTestId('train-result')).toHaveAttribute('data-version', '4');
    expect(screen.getByTestId('train-button')).toBeEnabled();
    expect(asked).toEqual([{ exchange: 'US', ticker: 'AAPL', model_type: 'ridge', horizon: 5 }]);
  });

  it('shows why a training failed', async () => {
    const error = { title: 'Too little history', detail: '300 sessions are needed, US:AAPL has 84.' };
    server.use(
      http.get(url(`/api/train/status/${TASK}`), () =>
        HttpResponse.json(trainStatus({ state: 'failed', error })),
      ),
    );
    renderApp(`/stock/US/AAPL?train=${TASK}`);
    expect(await screen.findByText('300 sessions are needed, US:AAPL has 84.')).toBeVisible();
  });

  it("tells the API's reason when a future path is too long", async () => {
    server.use(
      http.post(url('/api/predict/future/'), () =>
        HttpResponse.json(
          { title: 'Too far', detail: 'The model forecasts up to 5 sessions.', status: 422 },
          { status: 422 },
        ),
      ),
    );
    renderApp('/stock/US/AAPL');
    await userEvent.click(await screen.findByTestId('future-start'));
    expect(await screen.findByText('The model forecasts up to 5 sessions.')).toBeVisible();
  });

  it('asks for the days of a future path where no events come', async () => {
    let polls = 0;
    server.use(
      http.get(url(`/api/predict/future/stream/${TASK}`), () => new HttpResponse(null, { status: 503 })),
      http.get(url(`/api/predict/future/partial_status/${TASK}`), () => {
        polls += 1;
        const days = [
          prediction({ target_session: '2012-09-17', predicted_close: 101.11 }),
          prediction({ target_session: '2012-09-18', predicted_close: 102.22, horizon: 2 }),
        ].slice(0, polls);
        return HttpResponse.json({
          task_id: TASK,
          state: polls < 2 ? 'running' : 'completed',
          progress: polls / 2,
          days_done: polls,
          days_total: 2,
          predictions: days,
        });
      }),
    );
    renderApp(`/stock/US/AAPL?path=${TASK}`);
    expect(await screen.findByText('101.11')).toBeVisible();
    expect(screen.getByTestId('future-progress')).toHaveAttribute('data-progress', '0.5');
    expect(await screen.findByText('102.22')).toBeVisible();
    expect(screen.queryByTestId('future-progress')).not.toBeInTheDocument();
  });
});
