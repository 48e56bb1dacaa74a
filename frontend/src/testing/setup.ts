import '@testing-library/jest-dom/vitest';
import { cleanup, configure } from '@testing-library/react';
import { afterAll, afterEach, beforeAll, vi } from 'vitest';
import { startI18n } from '@/i18n';
import { server } from './server';

// A machine that is busy with other suites takes its time; a wait ends as soon as what it waits for is there.
configure({ asyncUtilTimeout: 15_000 });

beforeAll(async () => {
  // A request that no test expects fails the test, instead of going nowhere unseen.
  server.listen({ onUnhandledRequest: 'error' });
  await startI18n('en');
});

afterEach(() => {
  cleanup();
  server.resetHandlers();
  localStorage.clear();
});

afterAll(() => {
  server.close();
});

// jsdom has no layout, hence none of these; Mantine asks for them.
vi.stubGlobal(
  'ResizeObserver',
  class {
    observe() {}
    unobserve() {}
    disconnect() {}
  },
);
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
HTMLElement.prototype.scrollIntoView = () => undefined;
window.scrollTo = () => undefined;
