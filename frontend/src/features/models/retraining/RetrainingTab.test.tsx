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
  retrainingStep,
} from '@/testing/retrainingFactories';
import { MODEL_API, RETRAINING_PAGE, serveRetrainingPage } from '@/testing/retrainingPage';
import { server, url } from '@/testing/server';

let items: Retraining[];

beforeEach(() => {
  items = [];
  serveRetrainingPage(() => items);
});

it('says what to do when nothing is under way, and starts one by hand', async () => {
  const sent: unknown[] = [];
  server.use(
    http.post(url(`${MODEL_API}/retrainings`), async ({ request }) => {
      sent.push(await request.json());
      items = [retraining()];
      return HttpResponse.json(items[0], { status: 201 });
    }),
  );
  renderApp(RETRAINING_PAGE);
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
    http.post(url(`${MODEL_API}/retrainings`), () =>
      HttpResponse.json(
        { title: 'A retraining is under way already', detail: 'wait', status: 409 },
        { status: 409 },
      ),
    ),
  );
  renderApp(RETRAINING_PAGE);
  await userEvent.click(await screen.findByTestId('retraining-start'));
  await userEvent.click(await screen.findByTestId('confirm-button'));
  expect(await screen.findByRole('alert')).toHaveTextContent('A retraining is under way already');
});

it('asks to train first where nothing serves', async () => {
  server.use(http.get(url(MODEL_API), () => HttpResponse.json(modelDetail({ aliases: {} }))));
  renderApp(RETRAINING_PAGE);
  expect(await screen.findByText('Nothing serves yet')).toBeVisible();
  expect(screen.queryByTestId('retraining-start')).toBeNull();
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
  renderApp(RETRAINING_PAGE);
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
    http.get(url(`${MODEL_API}/retraining-evidence`), () =>
      HttpResponse.json(retrainingEvidence({ watched_sessions: 7 })),
    ),
  );
  renderApp(RETRAINING_PAGE);
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
  renderApp(RETRAINING_PAGE);
  await userEvent.click(await screen.findByTestId('retraining-advance'));
  expect(await screen.findByText('Begun: what is due is done in a moment.')).toBeVisible();
  expect(started).toEqual(['retraining']);
});

it('tells of an ended one how it ended and why, and opens its trail by the address', async () => {
  const rejected = rejectedRetraining();
  items = [rejected];
  const { router } = renderApp(RETRAINING_PAGE);
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
    http.get(url(`${MODEL_API}/retrainings`), () =>
      up ? HttpResponse.json({ items }) : HttpResponse.json({ title: 'Broken' }, { status: 500 }),
    ),
  );
  renderApp(RETRAINING_PAGE);
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
  renderApp(RETRAINING_PAGE);
  expect(await screen.findByTestId('retraining-approve')).toBeDisabled();
  expect(screen.getByTestId('retraining-cancel')).toBeDisabled();
  expect(await screen.findByTestId('threshold-age')).toBeDisabled();
  expect(screen.getByText('Only operators may do this.')).toBeVisible();
});
