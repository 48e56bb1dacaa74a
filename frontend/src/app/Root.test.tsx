import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { http, HttpResponse } from 'msw';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { session } from '@/api/session';
import { bar, dataset, prediction } from '@/testing/factories';
import { FakeWebSocket } from '@/testing/FakeWebSocket';
import { renderApp } from '@/testing/render';
import { server, url } from '@/testing/server';

// jsdom has no canvas.
vi.mock('@/shared/charts/PriceChartView', () => ({ PriceChartView: () => null }));

const SCOPES = { viewer: ['predict', 'read'], operator: ['admin', 'predict', 'read', 'write'] };

function denied() {
  return HttpResponse.json({ title: 'Not logged in', detail: 'log in' }, { status: 401 });
}

/** An API with access on, and one account. */
function serve(role: 'viewer' | 'operator', cookie = false): void {
  let known = cookie;
  const guarded = (body: object) => (request: Request) =>
    request.headers.get('authorization') === 'Bearer good' ? HttpResponse.json(body) : denied();
  const answers: Record<string, object> = {
    '/api/auth/me': { name: 'vic', role, scopes: SCOPES[role], access: true },
    '/api/datasets': { items: [dataset()], total: 1 },
    '/api/system/clock': { timelines: [] },
    '/api/predict/': { items: [prediction()], next_cursor: null },
    '/api/predict/accuracy': { window: 63, items: [] },
    '/api/datasets/US/AAPL/prices': { exchange: 'US', ticker: 'AAPL', items: [bar('2012-09-14', 100)] },
  };
  server.use(
    ...Object.entries(answers).map(([path, body]) => {
      const answer = guarded(body);
      return http.get(url(path), ({ request }) => answer(request));
    }),
    http.post(url('/api/auth/refresh'), () =>
      known ? HttpResponse.json({ access_token: 'good' }) : denied(),
    ),
    http.post(url('/api/auth/login'), async ({ request }) => {
      const body = (await request.json()) as { password: string; cookie: boolean };
      known = body.password === 'right' && body.cookie;
      return known ? HttpResponse.json({ access_token: 'good', name: 'vic', role }) : denied();
    }),
    http.post(url('/api/auth/logout'), () => {
      known = false;
      return new HttpResponse(null, { status: 204 });
    }),
  );
}

async function logIn(password: string): Promise<void> {
  await userEvent.type(await screen.findByTestId('login-name'), 'vic');
  await userEvent.type(screen.getByTestId('login-password'), password);
  await userEvent.click(screen.getByTestId('login-submit'));
}

beforeEach(() => {
  FakeWebSocket.install();
  FakeWebSocket.reset();
  session.end();
  session.begin('');
});

afterEach(() => {
  session.begin('');
});

describe('access', () => {
  it('asks who one is, says when that was wrong, and shows the page that was asked for', async () => {
    serve('viewer');
    const { router } = renderApp('/monitoring');
    await logIn('wrong');
    expect(await screen.findByText('Name and password do not belong together.')).toBeVisible();
    await userEvent.clear(screen.getByTestId('login-name'));
    await userEvent.clear(screen.getByTestId('login-password'));
    await logIn('right');
    expect(await screen.findByTestId('account')).toHaveTextContent('vic viewer');
    expect(router.state.location.pathname).toBe('/monitoring');
  });

  it('goes on with the session of the cookie without asking', async () => {
    serve('operator', true);
    renderApp('/');
    expect(await screen.findByTestId('account')).toHaveTextContent('vic operator');
    expect(screen.queryByTestId('login')).toBeNull();
  });

  it('leaves nothing on the page after logging out', async () => {
    serve('viewer', true);
    renderApp('/');
    await screen.findByTestId('predicted-close');
    await userEvent.click(screen.getByTestId('logout'));
    expect(await screen.findByTestId('login')).toBeVisible();
    expect(screen.queryByTestId('predicted-close')).toBeNull();
  });

  it('lets a viewer predict, and says that training is for operators', async () => {
    serve('viewer', true);
    renderApp('/stock/US/AAPL');
    expect(await screen.findByText('Only operators may do this.')).toBeVisible();
    expect(screen.getByTestId('train-button')).toBeDisabled();
    expect(screen.getByTestId('predict-now')).toBeEnabled();
  });

  it('lets an operator train', async () => {
    serve('operator', true);
    renderApp('/stock/US/AAPL');
    await screen.findByTestId('account');
    await waitFor(() => {
      expect(screen.getByTestId('train-button')).toBeEnabled();
    });
    expect(screen.queryByText('Only operators may do this.')).toBeNull();
  });

  it('shows neither a log-in nor an account where access is off', async () => {
    server.use(
      http.get(url('/api/datasets'), () => HttpResponse.json({ items: [], total: 0 })),
      http.get(url('/api/system/clock'), () => HttpResponse.json({ timelines: [] })),
      http.get(url('/api/predict/'), () => HttpResponse.json({ items: [], next_cursor: null })),
    );
    renderApp('/');
    expect(await screen.findByText('No prices are loaded yet')).toBeVisible();
    expect(screen.queryByTestId('account')).toBeNull();
    expect(screen.queryByTestId('login')).toBeNull();
  });
});
