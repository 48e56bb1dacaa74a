import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { http, HttpResponse } from 'msw';
import { beforeEach, describe, expect, it } from 'vitest';
import { dataset, trainStatus } from '@/testing/factories';
import { FakeWebSocket } from '@/testing/FakeWebSocket';
import { listedModel, MODEL_ID, modelTypes, verdict } from '@/testing/modelFactories';
import { renderApp } from '@/testing/render';
import { server, url } from '@/testing/server';

let asked: URL[];
let models = [listedModel()];

beforeEach(() => {
  FakeWebSocket.install();
  asked = [];
  models = [listedModel()];
  server.use(
    http.get(url('/api/datasets'), () => HttpResponse.json({ items: [dataset()], total: 1 })),
    http.get(url('/api/system/clock'), () => HttpResponse.json({ timelines: [] })),
    http.get(url('/api/models/types'), () => HttpResponse.json({ items: modelTypes() })),
    http.get(url('/api/models/'), ({ request }) => {
      asked.push(new URL(request.url));
      return HttpResponse.json({ items: models, total: models.length });
    }),
  );
});

describe('ModelsPage', () => {
  it('lists models with what serves and how good it is, said plainly', async () => {
    models = [
      listedModel(),
      listedModel({ model_id: 'b', name: 'US:IBM lasso', champion: null, newest: null, versions: 0 }),
    ];
    renderApp('/models');
    const table = await screen.findByTestId('models-table');
    expect(within(table).getByText('Serves: v1')).toBeVisible();
    expect(within(table).getByText('· like a random walk').parentElement).toHaveTextContent('-0.10% · like');
    expect(within(table).getByText('Not trained')).toBeVisible();
    expect(within(table).getByRole('link', { name: 'US:AAPL ridge h2' })).toHaveAttribute(
      'href',
      `/models/${MODEL_ID}`,
    );
  });

  it('asks for what the address filters by, and keeps what is chosen in the address', async () => {
    models = [];
    const { router } = renderApp('/models?exchange=US&ticker=AAPL&type=mlp');
    expect(await screen.findByText('No model matches')).toBeVisible();
    expect(Object.fromEntries(asked[0]?.searchParams ?? [])).toMatchObject({
      exchange: 'US',
      ticker: 'AAPL',
      model_type: 'mlp',
    });
    await userEvent.type(screen.getByTestId('filter-tag'), 'desk');
    await waitFor(() => {
      expect(router.state.location.search).toMatchObject({ tag: 'desk', ticker: 'AAPL' });
    });
    await userEvent.click(screen.getByRole('button', { name: 'Clear the filters' }));
    await waitFor(() => {
      expect(router.state.location.search).toEqual({});
    });
    expect(screen.getByTestId('filter-tag')).toHaveValue('');
  });

  it('says what to do when there are no models, and tells a viewer why not', async () => {
    models = [];
    server.use(
      http.get(url('/api/auth/me'), () =>
        HttpResponse.json({ name: 'ann', role: 'viewer', scopes: ['read', 'predict'], access: true }),
      ),
    );
    renderApp('/models');
    expect(await screen.findByText('No models yet')).toBeVisible();
    await waitFor(() => {
      expect(screen.getByTestId('new-model')).toHaveAttribute('title', 'Only operators may do this.');
    });
  });

  it('shows a training under way, and cancels it', async () => {
    let cancelled = '';
    const task = trainStatus();
    server.use(
      http.get(url('/api/train'), () => HttpResponse.json({ items: [task], next_cursor: null })),
      http.delete(url(`/api/train/${task.task_id}`), () => {
        cancelled = task.task_id;
        return HttpResponse.json(trainStatus({ state: 'cancelled' }));
      }),
    );
    renderApp('/models?tab=trainings');
    const table = await screen.findByTestId('trainings-table');
    expect(within(table).getByText('horizon 2 of 5: fold 1 of 5')).toBeVisible();
    expect(await within(table).findByRole('link', { name: 'US:AAPL ridge h2' })).toBeVisible();
    await userEvent.click(within(table).getByRole('button', { name: 'Cancel' }));
    await waitFor(() => {
      expect(cancelled).toBe(task.task_id);
    });
  });

  it('tells who let what serve and why, page by page', async () => {
    const entry = {
      at: '2026-11-21T10:00:00Z',
      registered_name: 'stock-US-AAPL',
      from_version: 1,
      to_version: 2,
      reason: '',
      job_id: null,
    };
    const checks = verdict().checks.map((check) => ({ ...check, passed: false }));
    const refusal = { ...entry, id: 9, actor: 'training', action: 'refuse', verdict: verdict({ checks }) };
    const older = { ...entry, id: 3, actor: 'ann', action: 'promote', reason: 'splits', verdict: null };
    server.use(
      http.get(url('/api/models/audit'), ({ request }) => {
        const before = new URL(request.url).searchParams.get('before');
        return HttpResponse.json(
          before === '9' ? { items: [older], next_before: null } : { items: [refusal], next_before: 9 },
        );
      }),
    );
    renderApp('/models?tab=trail');
    expect(await screen.findByText('Failed: Intervals hold what they state')).toBeVisible();
    await userEvent.click(screen.getByRole('button', { name: 'Show more' }));
    expect(await screen.findByText('splits')).toBeVisible();
    expect(screen.queryByRole('button', { name: 'Show more' })).toBeNull();
  });
});
