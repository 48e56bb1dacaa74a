import { act, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { http, HttpResponse } from 'msw';
import { beforeEach, expect, it } from 'vitest';
import { alert } from '@/testing/factories';
import { FakeWebSocket } from '@/testing/FakeWebSocket';
import { renderApp } from '@/testing/render';
import { retrainingEvidence, retrainingPolicy } from '@/testing/retrainingFactories';
import { MODEL_API, RETRAINING_PAGE, serveRetrainingPage } from '@/testing/retrainingPage';
import { server, url } from '@/testing/server';

beforeEach(() => {
  serveRetrainingPage(() => []);
});

it('tells how near each trigger is, and saves the whole policy', async () => {
  const sent: unknown[] = [];
  server.use(
    http.put(url(`${MODEL_API}/retraining-policy`), async ({ request }) => {
      const body = await request.json();
      sent.push(body);
      return HttpResponse.json(body);
    }),
  );
  renderApp(RETRAINING_PAGE);
  const age = await screen.findByTestId('trigger-age');
  expect(await within(age).findByText('Now 42')).toBeVisible();
  expect(within(screen.getByTestId('trigger-error')).getByText('Now 1.8 · would fire')).toBeVisible();
  expect(within(screen.getByTestId('trigger-drift')).getByText('Not known yet')).toBeVisible();
  expect(screen.getByTestId('policy-save')).toBeDisabled();

  await userEvent.click(within(age).getByText('Automatic'));
  await userEvent.clear(screen.getByTestId('threshold-coverage'));
  await userEvent.type(screen.getByTestId('threshold-coverage'), '12');
  await userEvent.click(screen.getByTestId('policy-save'));
  await waitFor(() => {
    expect(screen.getByTestId('policy-save')).toBeDisabled();
  });
  expect(sent).toEqual([
    retrainingPolicy({
      age: { mode: 'automatic', threshold: 63 },
      coverage: { mode: 'off', threshold: 0.12 },
    }),
  ]);
});

it('asks how many trials a search may take, where challengers are searched for', async () => {
  const sent: unknown[] = [];
  const refused = { field: 'challenger', message: 'nothing to search for' };
  server.use(
    http.put(url(`${MODEL_API}/retraining-policy`), async ({ request }) => {
      sent.push(await request.json());
      return HttpResponse.json(
        { title: 'Invalid', detail: '', status: 422, errors: [refused] },
        { status: 422 },
      );
    }),
  );
  renderApp(RETRAINING_PAGE);
  const row = await screen.findByTestId('policy-challenger');
  expect(screen.queryByTestId('policy-search_trials')).toBeNull();
  await userEvent.click(within(row).getByText('Search'));
  await userEvent.clear(screen.getByTestId('policy-search_trials'));
  await userEvent.type(screen.getByTestId('policy-search_trials'), '25');
  await userEvent.click(screen.getByTestId('policy-save'));
  expect(await within(row).findByText('nothing to search for')).toBeVisible();
  expect(sent).toEqual([retrainingPolicy({ challenger: 'search', search_trials: 25 })]);
});

it('says at its field what is wrong with a policy, and takes the change back', async () => {
  const errors = [
    { field: 'body.drift.threshold', message: 'a number above 0' },
    { field: 'body.probation_error', message: 'more than 1' },
  ];
  server.use(
    http.put(url(`${MODEL_API}/retraining-policy`), () =>
      HttpResponse.json({ title: 'Malformed', detail: '', status: 422, errors }, { status: 422 }),
    ),
  );
  renderApp(RETRAINING_PAGE);
  await userEvent.clear(await screen.findByTestId('threshold-drift'));
  await userEvent.click(screen.getByTestId('policy-save'));
  expect(await within(screen.getByTestId('trigger-drift')).findByText('a number above 0')).toBeVisible();
  expect(screen.getByTestId('policy-probation_error')).toHaveAttribute('aria-invalid', 'true');
  await userEvent.click(screen.getByRole('button', { name: 'Undo changes' }));
  expect(screen.queryByText('more than 1')).toBeNull();
  expect(screen.getByTestId('threshold-drift')).toHaveValue('4 sessions');
});

it("follows what somebody else saves, but not over one's own changes", async () => {
  let policy = retrainingPolicy();
  let reads = 0;
  server.use(
    http.get(url(`${MODEL_API}/retraining-policy`), () => {
      reads += 1;
      return HttpResponse.json(policy);
    }),
  );
  renderApp(RETRAINING_PAGE);
  const saveElsewhere = (cooldown_sessions: number) => {
    policy = retrainingPolicy({ cooldown_sessions });
    act(() => {
      FakeWebSocket.last('/ws/alerts').send('update', '2', [alert({ detector: 'retraining' })]);
    });
  };
  const cooldown = await screen.findByTestId('policy-cooldown_sessions');
  saveElsewhere(30);
  await waitFor(() => {
    expect(cooldown).toHaveValue('30');
  });
  await userEvent.clear(screen.getByTestId('policy-shadow_sessions'));
  await userEvent.type(screen.getByTestId('policy-shadow_sessions'), '8');
  const before = reads;
  saveElsewhere(40);
  await waitFor(() => {
    expect(reads).toBe(before + 1);
  });
  expect(screen.getByTestId('policy-shadow_sessions')).toHaveValue('8');
  await userEvent.click(screen.getByRole('button', { name: 'Undo changes' }));
  expect(screen.getByTestId('policy-shadow_sessions')).toHaveValue('20');
  await waitFor(() => {
    expect(cooldown).toHaveValue('40');
  });
});

it('says when the policy does not count, because another model serves', async () => {
  server.use(
    http.get(url(`${MODEL_API}/retraining-evidence`), () =>
      HttpResponse.json(retrainingEvidence({ serving: 7, counts: false })),
    ),
  );
  renderApp(RETRAINING_PAGE);
  expect(await screen.findByText(/Version 7, of another model, serves this stock/)).toBeVisible();
});
