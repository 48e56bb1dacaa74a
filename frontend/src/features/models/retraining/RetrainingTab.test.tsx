import { act, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { http, HttpResponse } from 'msw';
import { beforeEach, expect, it } from 'vitest';
import type { Retraining } from '@/api/retraining';
import { alert } from '@/testing/factories';
import { FakeWebSocket } from '@/testing/FakeWebSocket';
import { MODEL_ID, modelDetail } from '@/testing/modelFactories';
import { renderApp } from '@/testing/render';
import {
  rejectedRetraining,
  retraining,
  retrainingEvidence,
  retrainingPolicy,
  retrainingStep,
} from '@/testing/retrainingFactories';
import { server, url } from '@/testing/server';

const API = `/api/models/${MODEL_ID}`;
const PAGE = `/models/${MODEL_ID}?tab=retraining`;
let items: Retraining[];

beforeEach(() => {
  FakeWebSocket.install();
  items = [];
  server.use(
    http.get(url('/api/datasets'), () => HttpResponse.json({ items: [], total: 0 })),
    http.get(url('/api/system/clock'), () => HttpResponse.json({ timelines: [] })),
    http.get(url('/api/train'), () => HttpResponse.json({ items: [], next_cursor: null })),
    http.get(url(API), () => HttpResponse.json(modelDetail())),
    http.get(url(`${API}/retrainings`), () => HttpResponse.json({ items })),
    http.get(url(`${API}/retraining-policy`), () => HttpResponse.json(retrainingPolicy())),
    http.get(url(`${API}/retraining-evidence`), () => HttpResponse.json(retrainingEvidence())),
  );
});

it('says what to do when nothing is under way, and starts one by hand', async () => {
  const sent: unknown[] = [];
  server.use(
    http.post(url(`${API}/retrainings`), async ({ request }) => {
      sent.push(await request.json());
      items = [retraining()];
      return HttpResponse.json(items[0], { status: 201 });
    }),
  );
  renderApp(PAGE);
  expect(await screen.findByText('No retraining is under way')).toBeVisible();
  expect(await screen.findByText('No retraining has ended yet')).toBeVisible();
  await userEvent.click(screen.getByTestId('retraining-start'));
  await userEvent.type(await screen.findByTestId('retraining-reason'), 'new features');
  await userEvent.click(screen.getByTestId('confirm-button'));
  await waitFor(() => {
    expect(screen.getByTestId('current-retraining')).toHaveAttribute('data-state', 'triggered');
  });
  expect(sent).toEqual([{ reason: 'new features' }]);
});

it("shows the API's words when one cannot be started", async () => {
  server.use(
    http.post(url(`${API}/retrainings`), () =>
      HttpResponse.json(
        { title: 'A retraining is under way already', detail: 'wait', status: 409 },
        { status: 409 },
      ),
    ),
  );
  renderApp(PAGE);
  await userEvent.click(await screen.findByTestId('retraining-start'));
  await userEvent.click(await screen.findByTestId('confirm-button'));
  expect(await screen.findByRole('alert')).toHaveTextContent('A retraining is under way already');
});

it('asks to train first where nothing serves', async () => {
  server.use(http.get(url(API), () => HttpResponse.json(modelDetail({ aliases: {} }))));
  renderApp(PAGE);
  expect(await screen.findByText('Nothing serves yet')).toBeVisible();
  expect(screen.queryByTestId('retraining-start')).toBeNull();
});

it('tells how near each trigger is, and saves the whole policy', async () => {
  const sent: unknown[] = [];
  server.use(
    http.put(url(`${API}/retraining-policy`), async ({ request }) => {
      const body = await request.json();
      sent.push(body);
      return HttpResponse.json(body);
    }),
  );
  renderApp(PAGE);
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

it('says at its field what is wrong with a policy, and takes the change back', async () => {
  const errors = [
    { field: 'body.drift.threshold', message: 'a number above 0' },
    { field: 'body.probation_error', message: 'more than 1' },
  ];
  server.use(
    http.put(url(`${API}/retraining-policy`), () =>
      HttpResponse.json({ title: 'Malformed', detail: '', status: 422, errors }, { status: 422 }),
    ),
  );
  renderApp(PAGE);
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
    http.get(url(`${API}/retraining-policy`), () => {
      reads += 1;
      return HttpResponse.json(policy);
    }),
  );
  renderApp(PAGE);
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
    http.get(url(`${API}/retraining-evidence`), () =>
      HttpResponse.json(retrainingEvidence({ serving: 7, counts: false })),
    ),
  );
  renderApp(PAGE);
  expect(await screen.findByText(/Version 7, of another model, serves this stock/)).toBeVisible();
});

it('lets a person approve a proposal, or decline it with a reason', async () => {
  const proposal = retraining({ state: 'proposed' });
  items = [proposal];
  const calls: unknown[] = [];
  server.use(
    http.post(url(`/api/retrainings/${proposal.id}/cancel`), async ({ request }) => {
      calls.push(await request.json());
      return HttpResponse.json(
        { title: 'Conflict', detail: 'it has moved on', status: 409 },
        { status: 409 },
      );
    }),
    http.post(url(`/api/retrainings/${proposal.id}/approve`), () => {
      calls.push('approved');
      items = [{ ...proposal, state: 'triggered' }];
      return HttpResponse.json(items[0]);
    }),
  );
  renderApp(PAGE);
  await userEvent.click(await screen.findByTestId('retraining-cancel'));
  await userEvent.type(await screen.findByTestId('retraining-reason'), 'not now');
  await userEvent.click(screen.getByTestId('confirm-button'));
  expect(await screen.findByText('it has moved on')).toBeVisible();
  await userEvent.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Cancel' }));
  await userEvent.click(await screen.findByTestId('retraining-approve'));
  await waitFor(() => {
    expect(screen.getByTestId('current-retraining')).toHaveAttribute('data-state', 'triggered');
  });
  expect(calls).toEqual([{ reason: 'not now' }, 'approved']);
});

it('shows how far one is, why it began, and moves with each step that is told live', async () => {
  const trained = retrainingStep({
    revision: 2,
    event: 'trained',
    from_state: 'training',
    to_state: 'shadow',
  });
  items = [
    retraining({ state: 'shadow', challenger: 2, since: '2012-09-14', steps: [retrainingStep(), trained] }),
  ];
  server.use(
    http.get(url(`${API}/retraining-evidence`), () =>
      HttpResponse.json(retrainingEvidence({ watched_sessions: 7 })),
    ),
  );
  renderApp(PAGE);
  expect(await screen.findByText('7 of 20 sessions watched')).toBeVisible();
  const panel = screen.getByTestId('current-retraining');
  expect(within(panel).getByText('Shadow').closest('li')).toHaveAttribute('aria-current', 'step');
  expect(within(panel).getByText('Age: 70 sessions (threshold 63 sessions)')).toBeVisible();
  const steps = within(screen.getByTestId('cycle-steps')).getAllByRole('listitem');
  expect(steps[0]).toHaveTextContent('Version 2 is trained and passed the gate');

  items = [rejectedRetraining()];
  act(() => {
    FakeWebSocket.last('/ws/alerts').send('update', '2', [alert({ detector: 'retraining' })]);
  });
  expect(await screen.findByTestId('ended-retraining')).toHaveAttribute('data-state', 'rejected');
});

it('has the schedule look at it now, rather than within minutes', async () => {
  items = [retraining()];
  const started: string[] = [];
  server.use(
    http.post(url('/api/flows/:name/runs'), ({ params }) => {
      started.push(String(params.name));
      return HttpResponse.json({ run_id: MODEL_ID, state: 'pending', status_url: '' }, { status: 202 });
    }),
  );
  renderApp(PAGE);
  await userEvent.click(await screen.findByTestId('retraining-advance'));
  expect(await screen.findByText('Begun: what is due is done in a moment.')).toBeVisible();
  expect(started).toEqual(['retraining']);
});

it('tells of an ended one how it ended and why, and opens its trail by the address', async () => {
  const rejected = rejectedRetraining();
  items = [rejected];
  const { router } = renderApp(PAGE);
  const row = await screen.findByTestId('ended-retraining');
  expect(row).toHaveTextContent('version 1 went on serving');
  expect(row).toHaveTextContent('Failed: Both saw the same outcomes');
  await userEvent.click(within(row).getByRole('button', { name: /Details of the retraining/ }));
  expect(router.state.location.search).toMatchObject({ cycle: rejected.id });
  expect(within(row).getByText('1 of 2 checks failed')).toBeVisible();
  expect(within(row).getByText('Found: 3 differ')).toBeVisible();
});

it('offers what is wrong with the list once more', async () => {
  let up = false;
  server.use(
    http.get(url(`${API}/retrainings`), () =>
      up ? HttpResponse.json({ items }) : HttpResponse.json({ title: 'Broken' }, { status: 500 }),
    ),
  );
  renderApp(PAGE);
  const problem = await screen.findByRole('alert');
  up = true;
  await userEvent.click(within(problem).getByRole('button', { name: 'Try again' }));
  expect(await screen.findByText('No retraining is under way')).toBeVisible();
});

it('lets a viewer read all of it and change nothing', async () => {
  items = [retraining({ state: 'proposed' })];
  server.use(
    http.get(url('/api/auth/me'), () =>
      HttpResponse.json({ name: 'vi', role: 'viewer', scopes: ['predict', 'read'], access: true }),
    ),
  );
  renderApp(PAGE);
  expect(await screen.findByTestId('retraining-approve')).toBeDisabled();
  expect(screen.getByTestId('retraining-cancel')).toBeDisabled();
  expect(await screen.findByTestId('threshold-age')).toBeDisabled();
  expect(screen.getByText('Only operators may do this.')).toBeVisible();
});
