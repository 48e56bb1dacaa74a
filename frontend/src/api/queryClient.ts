import { QueryClient } from '@tanstack/react-query';
import { toProblem } from '@/shared/problem';

const MAX_RETRIES = 3;
const MAX_DELAY_MS = 15_000;

function retry(failures: number, error: Error): boolean {
  return toProblem(error).isTemporary && failures < MAX_RETRIES;
}

function retryDelay(failures: number, error: Error): number {
  const asked = toProblem(error).retryAfter;
  return Math.min(asked === null ? 1000 * 2 ** failures : asked * 1000, MAX_DELAY_MS);
}

/** Retries only what may succeed later, and waits as long as the server asked. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      // News comes over WebSockets, which invalidate what changed; time alone makes nothing stale for a while.
      queries: { retry, retryDelay, staleTime: 60_000, networkMode: 'always' },
      mutations: { retry: false, networkMode: 'always' },
    },
  });
}
