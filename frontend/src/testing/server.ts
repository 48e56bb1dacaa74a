import { setupServer } from 'msw/node';

/** Answers what each test says; see `onUnhandledRequest` in setup.ts. */
export const server = setupServer();

/** An address of the API on the page's own origin. */
export function url(path: string): string {
  return new URL(path, globalThis.location.origin).toString();
}
