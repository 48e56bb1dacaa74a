import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { http, HttpResponse } from 'msw';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeWebSocket } from '@/testing/FakeWebSocket';
import { renderApp } from '@/testing/render';
import { server, url } from '@/testing/server';

const ID = '11111111-1111-4111-8111-111111111111';
const account = {
  account_id: ID,
  name: 'vic',
  role: 'viewer',
  disabled: false,
  created_at: '2026-11-22T07:00:00Z',
};
const key = {
  key_id: ID,
  name: 'nightly',
  account: 'ann',
  prefix: 'sk_abc',
  scopes: ['read', 'predict'],
  created_at: '2026-11-22T07:00:00Z',
  last_used_at: null,
  revoked_at: null,
};

beforeEach(() => {
  FakeWebSocket.install();
  server.use(
    http.get(url('/api/datasets'), () => HttpResponse.json({ items: [], total: 0 })),
    http.get(url('/api/system/clock'), () => HttpResponse.json({ timelines: [] })),
    http.get(url('/api/accounts'), () => HttpResponse.json({ items: [account] })),
    http.get(url('/api/api-keys'), () => HttpResponse.json({ items: [key] })),
  );
});

describe('accounts', () => {
  it('are listed, with a warning where nobody is asked who they are', async () => {
    renderApp('/admin');
    const row = await screen.findByTestId('account-vic');
    expect(within(row).getByText('viewer')).toBeVisible();
    expect(screen.getByText('Access control is off')).toBeVisible();
  });

  it("are made, and the API's messages stand at their fields", async () => {
    let refused = false;
    server.use(
      http.post(url('/api/accounts'), () => {
        if (refused) return HttpResponse.json(account, { status: 201 });
        refused = true;
        return HttpResponse.json(
          {
            title: 'Malformed request',
            detail: 'one field',
            errors: [{ field: 'body.password', message: 'at least 10 characters' }],
          },
          { status: 422 },
        );
      }),
    );
    renderApp('/admin');
    await userEvent.click(await screen.findByTestId('new-account'));
    await userEvent.type(await screen.findByTestId('account-name'), 'vic');
    await userEvent.click(screen.getByTestId('form-submit'));
    expect(await screen.findByText('at least 10 characters')).toBeVisible();
    await userEvent.click(screen.getByTestId('form-submit'));
    await waitFor(() => {
      expect(screen.queryByTestId('form-submit')).toBeNull();
    });
  });

  it('are disabled after asking', async () => {
    const asked: unknown[] = [];
    server.use(
      http.patch(url(`/api/accounts/${ID}`), async ({ request }) => {
        asked.push(await request.json());
        return HttpResponse.json({ ...account, disabled: true });
      }),
    );
    renderApp('/admin');
    await userEvent.click(await screen.findByTestId('actions-vic'));
    await userEvent.click(await screen.findByRole('menuitem', { name: 'Disable' }));
    await userEvent.click(await screen.findByTestId('confirm-button'));
    await waitFor(() => {
      expect(asked).toEqual([{ disabled: true }]);
    });
  });
});

describe('API keys', () => {
  it('are shown once, when they are made', async () => {
    server.use(
      http.post(url('/api/api-keys'), () =>
        HttpResponse.json({ ...key, key: 'sk_abc_secret' }, { status: 201 }),
      ),
    );
    renderApp('/admin?tab=keys');
    await userEvent.click(await screen.findByTestId('new-key'));
    await userEvent.type(await screen.findByTestId('key-name'), 'nightly');
    await userEvent.click(screen.getByTestId('form-submit'));
    expect(await screen.findByTestId('made-key')).toHaveTextContent('sk_abc_secret');
  });

  it('are revoked after asking', async () => {
    let revoked = 0;
    server.use(
      http.delete(url(`/api/api-keys/${ID}`), () => {
        revoked += 1;
        return new HttpResponse(null, { status: 204 });
      }),
    );
    renderApp('/admin?tab=keys');
    await userEvent.click(await screen.findByRole('button', { name: 'Revoke nightly' }));
    await userEvent.click(await screen.findByTestId('confirm-button'));
    await waitFor(() => {
      expect(revoked).toBe(1);
    });
  });
});

it('shows the audit log page by page', async () => {
  const call = (id: number) => ({
    id,
    at: '2026-11-22T07:00:00Z',
    actor: 'ann',
    address: '127.0.0.1',
    method: 'POST',
    path: `/api/train/${id}`,
    status: 202,
    request_id: null,
  });
  server.use(
    http.get(url('/api/audit'), ({ request }) => {
      const before = new URL(request.url).searchParams.get('before');
      return HttpResponse.json(before ? { items: [call(1)], next: null } : { items: [call(2)], next: 2 });
    }),
  );
  renderApp('/admin?tab=audit');
  expect(await screen.findByText('POST /api/train/2')).toBeVisible();
  await userEvent.click(screen.getByRole('button', { name: 'Show more' }));
  expect(await screen.findByText('POST /api/train/1')).toBeVisible();
  expect(screen.queryByRole('button', { name: 'Show more' })).toBeNull();
});

it('is closed to viewers', async () => {
  server.use(
    http.get(url('/api/auth/me'), () =>
      HttpResponse.json({ name: 'vic', role: 'viewer', scopes: ['predict', 'read'], access: true }),
    ),
    http.get(url('/api/accounts'), () => HttpResponse.json({ title: 'Forbidden' }, { status: 403 })),
  );
  renderApp('/admin');
  expect(await screen.findByText('Only operators may do this.')).toBeVisible();
  expect(screen.queryByRole('link', { name: 'Admin' })).toBeNull();
});
