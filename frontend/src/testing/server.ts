import { http, HttpResponse } from 'msw';
import { setupServer } from 'msw/node';

/** Answers what each test says, that access is off, and that the platform is well and nothing has happened on it; see `onUnhandledRequest` in setup.ts. */
export const server = setupServer(
  http.get('*/api/auth/me', () =>
    HttpResponse.json({
      name: 'anybody',
      role: 'operator',
      scopes: ['admin', 'predict', 'read', 'write'],
      access: false,
    }),
  ),
  http.post('*/api/auth/ws-ticket', () =>
    HttpResponse.json({ ticket: 'ticket', expires_in: 30 }, { status: 201 }),
  ),
  http.get('*/api/system/health', () =>
    HttpResponse.json({ status: 'ok', services: [{ name: 'clickhouse', ok: true, seconds: 0.01 }] }),
  ),
  http.get('*/api/system/queues', () => HttpResponse.json({ items: [] })),
  http.get('*/api/system/links', () => HttpResponse.json({ links: {}, up: {} })),
  http.get('*/api/alerts', () => HttpResponse.json({ items: [], next_cursor: null })),
  http.get('*/api/models/', () => HttpResponse.json({ items: [], total: 0 })),
  http.get('*/api/watchlists', () => HttpResponse.json({ items: [] })),
  http.get('*/api/predict/accuracy', () => HttpResponse.json({ window: 63, items: [] })),
);

/** An address of the API on the page's own origin. */
export function url(path: string): string {
  return new URL(path, globalThis.location.origin).toString();
}
