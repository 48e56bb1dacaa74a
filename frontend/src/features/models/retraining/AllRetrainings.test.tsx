import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { http, HttpResponse } from 'msw';
import { beforeEach, expect, it } from 'vitest';
import type { Retraining } from '@/api/retraining';
import { FakeWebSocket } from '@/testing/FakeWebSocket';
import { listedModel, MODEL_ID } from '@/testing/modelFactories';
import { renderApp } from '@/testing/render';
import { rejectedRetraining, retraining, retrainingPolicy } from '@/testing/retrainingFactories';
import { server, url } from '@/testing/server';

const OTHER = '44444444-4444-4444-8444-444444444444';
const PAGE = '/models?tab=retraining';
let items: Retraining[];

beforeEach(() => {
  FakeWebSocket.install();
  items = [];
  server.use(
    http.get(url('/api/datasets'), () => HttpResponse.json({ items: [], total: 0 })),
    http.get(url('/api/system/clock'), () => HttpResponse.json({ timelines: [] })),
    http.get(url('/api/models/'), () =>
      HttpResponse.json({
        items: [listedModel(), listedModel({ model_id: OTHER, name: 'US:IBM lasso', champion: null })],
        total: 2,
      }),
    ),
    http.get(url('/api/retrainings'), ({ request }) => {
      const states = new URL(request.url).searchParams.getAll('state');
      return HttpResponse.json({
        items: items.filter((item) => states.length === 0 || states.includes(item.state)),
      });
    }),
    http.get(url('/api/retraining-policies'), () =>
      HttpResponse.json({
        items: [
          { model_id: MODEL_ID, policy: retrainingPolicy({ age: { mode: 'automatic', threshold: 21 } }) },
        ],
      }),
    ),
  );
});

it('lists what is under way, what ended, or one model only, by the address', async () => {
  items = [retraining({ state: 'probation', challenger: 2 }), rejectedRetraining({ model_id: OTHER })];
  const { router } = renderApp(PAGE);
  const table = await screen.findByTestId('retrainings-table');
  expect(within(table).getByText('On probation')).toBeVisible();
  expect(within(table).queryByText('Rejected')).toBeNull();
  expect(await within(table).findByRole('link', { name: 'US:AAPL ridge h2' })).toHaveAttribute(
    'href',
    `/models/${MODEL_ID}?tab=retraining`,
  );
  await userEvent.click(screen.getByText('Ended'));
  expect(await screen.findByText('Rejected')).toBeVisible();
  expect(router.state.location.search).toMatchObject({ cycles: 'ended' });
  await userEvent.click(screen.getByTestId('retrainings-of'));
  await userEvent.click(await screen.findByRole('option', { name: 'US:AAPL ridge h2' }));
  expect(await screen.findByText('No retraining of this model matches.')).toBeVisible();
});

it('says what to do when there is none, and names a deleted model by its registered name', async () => {
  renderApp(PAGE);
  expect(await screen.findByText('None is under way')).toBeVisible();
  items = [rejectedRetraining({ model_id: '55555555-5555-4555-8555-555555555555' })];
  await userEvent.click(screen.getByText('Ended'));
  expect(await screen.findByText('(deleted model)')).toBeVisible();
});

it('lists every model with the triggers that are on, and filters by what they do', async () => {
  renderApp(PAGE);
  const table = await screen.findByTestId('policies-table');
  expect(within(table).getByText('Age ≥ 21 sessions')).toBeVisible();
  expect(within(table).getByText('Every trigger is off')).toBeVisible();
  const filter = screen.getByRole('radiogroup', { name: 'What triggers do' });
  await userEvent.click(within(filter).getByText('Off'));
  await waitFor(() => {
    expect(screen.queryByText('Age ≥ 21 sessions')).toBeNull();
  });
  await userEvent.click(within(filter).getByText('Propose'));
  expect(await screen.findByText("No model's policy matches.")).toBeVisible();
});
