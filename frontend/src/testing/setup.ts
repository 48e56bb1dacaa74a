import '@testing-library/jest-dom/vitest';
import { cleanup, configure } from '@testing-library/react';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { startI18n } from '@/i18n';
import { server } from './server';

// A machine that is busy with other suites takes its time; a wait ends as soon as what it waits for is there.
configure({ asyncUtilTimeout: 15_000 });

/** A request that no test expects fails the test, also where the page takes the refusal with good grace. */
const unexpected: string[] = [];

beforeAll(async () => {
  server.listen({
    onUnhandledRequest: (request, print) => {
      unexpected.push(`${request.method} ${request.url}`);
      print.error();
    },
  });
  await startI18n('en');
});

afterEach(() => {
  cleanup();
  server.resetHandlers();
  localStorage.clear();
  expect(unexpected.splice(0), 'requests that the test did not expect').toEqual([]);
});

afterAll(() => {
  server.close();
});

// jsdom has no layout, hence none of these; Mantine asks for them.
globalThis.ResizeObserver = class {
  observe = () => undefined;
  unobserve = () => undefined;
  disconnect = () => undefined;
};
Object.defineProperty(globalThis, 'matchMedia', {
  writable: true,
  value: (query: string) => ({
    matches: false,
    media: query,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
    addListener: () => undefined,
    removeListener: () => undefined,
  }),
});
Object.defineProperty(document, 'fonts', {
  value: { addEventListener: () => undefined, removeEventListener: () => undefined },
});
HTMLElement.prototype.scrollIntoView = () => undefined;
window.scrollTo = () => undefined;
