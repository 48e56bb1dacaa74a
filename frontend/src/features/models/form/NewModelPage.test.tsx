import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { http, HttpResponse } from 'msw';
import { beforeEach, describe, expect, it } from 'vitest';
import { dataset, trainStatus } from '@/testing/factories';
import { FakeWebSocket } from '@/testing/FakeWebSocket';
import { featureCatalogue, MODEL_ID, modelDetail, modelTypes } from '@/testing/modelFactories';
import { renderApp } from '@/testing/render';
import { server, url } from '@/testing/server';

const TASK = trainStatus().task_id;
let created: unknown[];
let trained: unknown[];

beforeEach(() => {
  FakeWebSocket.install();
  created = [];
  trained = [];
  server.use(
    http.get(url('/api/datasets'), () => HttpResponse.json({ items: [dataset()], total: 1 })),
    http.get(url('/api/system/clock'), () => HttpResponse.json({ timelines: [] })),
    http.get(url('/api/models/types'), () => HttpResponse.json({ items: modelTypes() })),
    http.get(url('/api/models/features'), () => HttpResponse.json(featureCatalogue())),
    http.get(url(`/api/models/${MODEL_ID}`), () =>
      HttpResponse.json(modelDetail({ versions: [], aliases: {} })),
    ),
    http.get(url('/api/train'), () => HttpResponse.json({ items: [], next_cursor: null })),
    http.get(url(`/api/train/status/${TASK}`), () => HttpResponse.json(trainStatus())),
    http.post(url('/api/models/'), async ({ request }) => {
      created.push(await request.json());
      return HttpResponse.json(modelDetail(), { status: 201 });
    }),
    http.post(url('/api/train'), async ({ request }) => {
      trained.push(await request.json());
      return HttpResponse.json(
        { task_id: TASK, model_id: MODEL_ID, state: 'pending', status_url: '' },
        { status: 202 },
      );
    }),
  );
});

describe('NewModelPage', () => {
  it('defines what was chosen, trains it, and leads to where the training is followed', async () => {
    const { router } = renderApp('/models/new?exchange=US&ticker=AAPL');
    expect(await screen.findByTestId('fold-diagram')).toBeVisible();
    await userEvent.type(screen.getByTestId('param-alpha'), '10');
    await userEvent.click(screen.getByText('My choice'));
    expect(screen.getByTestId('feature-count')).toHaveTextContent('1 feature');
    await userEvent.click(screen.getByTestId('group-momentum'));
    expect(screen.getByTestId('feature-count')).toHaveTextContent('2 features');
    await userEvent.click(screen.getByTestId('form-train'));
    await waitFor(() => {
      expect(router.state.location.pathname).toBe(`/models/${MODEL_ID}`);
    });
    expect(router.state.location.search).toEqual({ train: TASK });
    expect(created).toMatchObject([
      {
        ticker: 'AAPL',
        model_type: 'ridge',
        horizon: 5,
        params: { alpha: 10 },
        features: ['return_1', 'rsi_14'],
      },
    ]);
    expect(trained).toEqual([{ model_id: MODEL_ID }]);
  });

  it("answers wrong input in its field, in the API's words, until it is changed", async () => {
    const errors = [
      { field: 'body.horizon', message: 'Input should be less than or equal to 60' },
      { field: 'start', message: 'expected a day before end (2001-01-01), got 2002-01-01' },
    ];
    server.use(
      http.post(url('/api/models/'), () =>
        HttpResponse.json({ title: 'Invalid', detail: 'no', status: 422, errors }, { status: 422 }),
      ),
    );
    renderApp('/models/new?exchange=US&ticker=AAPL');
    await userEvent.click(await screen.findByTestId('form-define'));
    expect(await screen.findByText('Input should be less than or equal to 60')).toBeVisible();
    expect(screen.getByText(/expected a day before end/)).toBeVisible();
    expect(screen.getByTestId('form-wrong')).toHaveTextContent('2 answers above are not right yet.');
    await userEvent.type(screen.getByTestId('form-horizon'), '0');
    expect(screen.queryByText('Input should be less than or equal to 60')).toBeNull();
  });

  it('sends nothing while a parameter is out of its bounds', async () => {
    renderApp('/models/new?exchange=US&ticker=AAPL');
    const alpha = await screen.findByTestId('param-alpha');
    await userEvent.type(alpha, '0');
    expect(await screen.findByText('0 or more')).toBeVisible();
    await userEvent.click(screen.getByTestId('form-train'));
    expect(created).toEqual([]);
  });

  it('says why a model type cannot be chosen', async () => {
    renderApp('/models/new');
    const card = await screen.findByTestId('type-mlp');
    expect(card).toBeDisabled();
    expect(within(card).getByText('needs JAX: install the extra mlp')).toBeVisible();
  });

  it('warns before a history is too short for the chosen windows', async () => {
    server.use(
      http.get(url('/api/datasets'), () => HttpResponse.json({ items: [dataset({ rows: 300 })], total: 1 })),
    );
    renderApp('/models/new?exchange=US&ticker=AAPL');
    expect(await screen.findByText(/300 sessions are too few for this: 372 are needed/)).toBeVisible();
  });

  it('leads to the datasets when there is nothing to learn from', async () => {
    server.use(http.get(url('/api/datasets'), () => HttpResponse.json({ items: [], total: 0 })));
    renderApp('/models/new');
    expect(await screen.findByRole('link', { name: 'To the datasets' })).toHaveAttribute('href', '/datasets');
  });
});
