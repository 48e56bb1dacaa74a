import createClient from 'openapi-fetch';
import { ApiProblem, problemFrom } from '@/shared/problem';
import type { paths } from './schema';
import { session } from './session';

/** The API is on the page's own origin: nginx, or Vite's proxy while developing. */
export const api = createClient<paths, 'application/json'>({
  baseUrl: globalThis.location.origin,
  fetch: session.fetch,
});

/** What openapi-fetch answers. */
interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/**
 * The body of a successful answer.
 *
 * @throws ApiProblem in the API's words when it refused, or with status 0 when no answer came.
 */
export async function unwrap<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiProblem(0, 'network', error instanceof Error ? error.message : String(error));
  }
  if (answer.data === undefined) throw problemFrom(answer.response, answer.error);
  return answer.data;
}
