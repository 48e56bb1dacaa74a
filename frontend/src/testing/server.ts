import { http, HttpResponse } from 'msw';
import { setupServer } from 'msw/node';

/** Answers what each test says, and that access is off; see `onUnhandledRequest` in setup.ts. */
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
);

/** An address of the API on the page's own origin. */
export function url(path: string): string {
  return new URL(path, globalThis.location.origin).toString();
}
