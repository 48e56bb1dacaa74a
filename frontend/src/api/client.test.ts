import { http, HttpResponse } from 'msw';
import { describe, expect, it } from 'vitest';
import { ApiProblem } from '@/shared/problem';
import { server, url } from '@/testing/server';
import { api, unwrap } from './client';

function read() {
  return unwrap(api.GET('/api/datasets'));
}

async function problemOf(call: Promise<unknown>): Promise<ApiProblem> {
  const error: unknown = await call.catch((caught: unknown) => caught);
  if (!(error instanceof ApiProblem)) throw new Error(`expected an ApiProblem, got ${String(error)}`);
  return error;
}

describe('unwrap', () => {
  it("throws the API's own words", async () => {
    server.use(
      http.get(url('/api/datasets'), () =>
        HttpResponse.json(
          {
            title: 'ClickHouse does not answer',
            detail: 'Try again in 5 s.',
            status: 503,
            errors: [{ field: 'query.limit', message: 'too many' }],
            request_id: 'r1',
          },
          { status: 503, headers: { 'Retry-After': '5', 'Content-Type': 'application/problem+json' } },
        ),
      ),
    );
    const problem = await problemOf(read());
    expect(problem).toMatchObject({
      status: 503,
      title: 'ClickHouse does not answer',
      detail: 'Try again in 5 s.',
      requestId: 'r1',
      retryAfter: 5,
      isTemporary: true,
    });
    expect(problem.errors).toEqual([{ field: 'query.limit', message: 'too many' }]);
  });

  it("makes a problem of a proxy's page as well", async () => {
    server.use(
      http.get(
        url('/api/datasets'),
        () => new HttpResponse('<html>', { status: 502, statusText: 'Bad Gateway' }),
      ),
    );
    expect(await problemOf(read())).toMatchObject({ status: 502, title: 'Bad Gateway', isTemporary: true });
  });

  it('tells a dead network from a refusal', async () => {
    server.use(http.get(url('/api/datasets'), () => HttpResponse.error()));
    expect(await problemOf(read())).toMatchObject({ status: 0, isNetwork: true });
  });
});
