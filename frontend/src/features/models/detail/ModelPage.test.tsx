import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { http, HttpResponse } from 'msw';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { trainStatus } from '@/testing/factories';
import { FakeWebSocket } from '@/testing/FakeWebSocket';
import { MODEL_ID, modelDetail, modelVersion, verdict } from '@/testing/modelFactories';
import { renderApp } from '@/testing/render';
import { server, url } from '@/testing/server';

// jsdom has no canvas; what a chart is given is tested in builders.test.ts.
vi.mock('@/shared/charts/EChart', () => ({
  EChart: ({ label }: { label: string }) => <div role="img" aria-label={label} />,
}));

const TASK = trainStatus().task_id;
const PATH = `/models/${MODEL_ID}`;
const two = modelDetail({
  versions: [
    modelVersion({ version: 2, alias: 'challenger', verdict: verdict({ passed: false, champion: 1 }) }),
    modelVersion(),
  ],
});
const curves = {
  learning_curve: [{ rows: 300, train_rmse: 0.01, validation_rmse: 0.02 }],
  importance: [{ feature: 'return_1', mean: 0.01, deviation: 0.001 }],
  cumulative_skill: [{ horizon: 1, sessions: ['2012-06-28'], gained: [0.002] }],
  calibration: [{ horizon: 1, bins: [] }],
  coverage: [{ horizon: 1, level: 0.9, window: 250, sessions: ['2012-06-28'], covered: [0.88] }],
};

beforeEach(() => {
  FakeWebSocket.install();
  server.use(
    http.get(url('/api/datasets'), () => HttpResponse.json({ items: [], total: 0 })),
    http.get(url('/api/system/clock'), () => HttpResponse.json({ timelines: [] })),
    http.get(url(`/api${PATH}`), () => HttpResponse.json(two)),
    http.get(url(`/api${PATH}/versions/:version/curves`), () => HttpResponse.json(curves)),
    http.get(url(`/api${PATH}/versions/:version/fit`), () =>
      HttpResponse.json({ horizon: 1, train_loss: [0.9, 0.7], validation_loss: [], gradient_norm: [] }),
    ),
    http.get(url('/api/train'), () => HttpResponse.json({ items: [], next_cursor: null })),
  );
});

describe('ModelPage', () => {
  it('shows the version that serves with its evidence, and says when it beats nothing', async () => {
    renderApp(PATH);
    expect(await screen.findByTestId('scores-verdict')).toHaveTextContent('No better than a random walk');
    expect(screen.getByTestId('version-select')).toHaveValue('version 1 · serves');
    expect(await screen.findByRole('img', { name: 'Cumulative skill, 0.20% in the end' })).toBeVisible();
    expect(screen.getByText('Too few forecasts with a stated chance.')).toBeVisible();
    expect(await screen.findByRole('img', { name: 'Loss over 2 iterations, from 0.9 to 0.7' })).toBeVisible();
    expect(screen.getByTestId('verdict')).toHaveAttribute('data-passed', 'true');
  });

  it('follows a training with the metrics of each window, and then shows how it ended', async () => {
    let polls = 0;
    const folds = [1, 2].map((fold) => ({
      horizon: 1,
      fold,
      folds: 2,
      first: '2012-01-03',
      last: '2012-03-01',
      rmse: 0.01,
      random_walk_rmse: 0.011,
      direction_accuracy: 0.5,
      auc: 0.5,
    }));
    const result = {
      model_id: MODEL_ID,
      registered_name: 'stock-US-AAPL',
      version: 3,
      run_id: 'r',
      metrics: {},
    };
    server.use(
      http.get(url(`/api/train/status/${TASK}`), () => {
        polls += 1;
        return HttpResponse.json(
          polls === 1
            ? trainStatus({ folds: folds.slice(0, 1) })
            : trainStatus({
                state: 'completed',
                folds,
                result: { ...result, verdict: verdict({ passed: false }) },
              }),
        );
      }),
    );
    renderApp(`${PATH}?train=${TASK}`);
    const grid = await screen.findByTestId('fold-grid');
    expect(within(grid).getByText('+17.36%')).toBeVisible();
    const panel = screen.getByTestId('training');
    expect(await within(panel).findByText('stock-US-AAPL, version 3, is trained')).toBeVisible();
    expect(within(panel).getByText('Refused')).toBeVisible();
  });

  it("shows the gate's reasons when it refuses, and overrules it only when that is ticked", async () => {
    const bodies: unknown[] = [];
    const errors = [{ field: 'gate.calibrated', message: 'got 70 %', expected: '85 % to 95 %' }];
    server.use(
      http.post(url(`/api${PATH}/versions/2/promote`), async ({ request }) => {
        const body = (await request.json()) as { force: boolean };
        bodies.push(body);
        return body.force
          ? HttpResponse.json({ registered_name: 'stock-US-AAPL', version: 2, verdict: null })
          : HttpResponse.json({ title: 'Refused', detail: 'no', status: 409, errors }, { status: 409 });
      }),
    );
    renderApp(`${PATH}?tab=versions`);
    await userEvent.click(await screen.findByTestId('promote-2'));
    expect(screen.queryByTestId('promote-force')).toBeNull();
    await userEvent.click(await screen.findByTestId('promote-confirm'));
    const refused = await screen.findByTestId('gate-refused');
    expect(refused).toHaveTextContent('Intervals hold what they state');
    expect(refused).toHaveTextContent('got 70 %');
    expect(refused).toHaveTextContent('Expected: 85 % to 95 %');
    await userEvent.click(screen.getByTestId('promote-force'));
    await userEvent.click(screen.getByTestId('promote-confirm'));
    expect(await screen.findByText('Version 2 serves now.')).toBeVisible();
    expect(bodies).toEqual([
      { reason: '', force: false },
      { reason: '', force: true },
    ]);
  });

  it('leads to a comparison once two versions are ticked', async () => {
    renderApp(`${PATH}?tab=versions`);
    expect(await screen.findByTestId('rival-2')).toHaveAttribute('href', `${PATH}/compare?a=2&b=1`);
    expect(screen.queryByTestId('rival-1')).toBeNull();
    await userEvent.click(await screen.findByLabelText('Compare version 2'));
    await userEvent.click(screen.getByLabelText('Compare version 1'));
    expect(await screen.findByTestId('compare')).toHaveAttribute('href', `${PATH}/compare?a=2&b=1`);
  });

  it('deletes a model that serves only when that is meant, and goes back to the list', async () => {
    let query = '';
    server.use(
      http.delete(url(`/api${PATH}`), ({ request }) => {
        query = new URL(request.url).search;
        return new HttpResponse(null, { status: 204 });
      }),
      http.get(url('/api/models/'), () => HttpResponse.json({ items: [], total: 0 })),
      http.get(url('/api/models/types'), () => HttpResponse.json({ items: [] })),
    );
    const { router } = renderApp(PATH);
    await userEvent.click(await screen.findByTestId('model-menu'));
    await userEvent.click(await screen.findByText('Delete'));
    await userEvent.click(await screen.findByTestId('delete-force'));
    await userEvent.click(screen.getByTestId('confirm-button'));
    await waitFor(() => {
      expect(router.state.location.pathname).toBe('/models');
    });
    expect(query).toContain('force=true');
  });

  it('trades at the costs in the address', async () => {
    const bodies: Record<string, unknown>[] = [];
    server.use(
      http.post(url(`/api${PATH}/backtest`), async ({ request }) => {
        bodies.push((await request.json()) as Record<string, unknown>);
        return HttpResponse.json(
          { title: 'Invalid', detail: 'validated by purged_kfold', status: 422 },
          { status: 422 },
        );
      }),
    );
    renderApp(`${PATH}?tab=backtest&cost=20&mode=long_short`);
    expect(await screen.findByText('validated by purged_kfold')).toBeVisible();
    expect(bodies[0]).toMatchObject({ version: 1, cost_bps: 20, mode: 'long_short', ticker: 'AAPL' });
  });

  it('says when there is no such model', async () => {
    server.use(
      http.get(url(`/api${PATH}`), () =>
        HttpResponse.json({ title: 'Unknown', detail: '', status: 404 }, { status: 404 }),
      ),
    );
    renderApp(PATH);
    expect(await screen.findByText('There is no such model')).toBeVisible();
  });
});
