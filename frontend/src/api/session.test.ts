import { http, HttpResponse } from 'msw';
import { beforeEach, describe, expect, it } from 'vitest';
import { server, url } from '@/testing/server';
import { Session } from './session';

let session: Session;
let refreshes: number;

/** The API lets in whoever has `good`, and gives it to whoever has a cookie. */
function serve(refresh: () => Response): void {
  server.use(
    http.post(url('/api/auth/refresh'), () => {
      refreshes += 1;
      return refresh();
    }),
    http.all(url('/api/models/'), async ({ request }) =>
      request.headers.get('authorization') === 'Bearer good'
        ? HttpResponse.json({ body: await request.text() })
        : HttpResponse.json({ title: 'Not logged in' }, { status: 401 }),
    ),
  );
}

function call(): Promise<Response> {
  return session.fetch(new Request(url('/api/models/'), { method: 'POST', body: 'a model' }));
}

beforeEach(() => {
  session = new Session();
  refreshes = 0;
});

describe('Session', () => {
  it('gets a token when one is asked for, and sends the request again with its body', async () => {
    serve(() => HttpResponse.json({ access_token: 'good' }));
    const answer = await call();
    expect(await answer.json()).toEqual({ body: 'a model' });
    expect((await call()).status).toBe(200);
    expect(refreshes).toBe(1);
    expect(session.state()).toBe('in');
  });

  it('asks for one token however many requests wait for it', async () => {
    serve(() => HttpResponse.json({ access_token: 'good' }));
    const answers = await Promise.all([call(), call(), call()]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(refreshes).toBe(1);
  });

  it('is over when no token is given any more, and tells so once', async () => {
    serve(() => HttpResponse.json({}, { status: 401 }));
    let told = 0;
    session.onState(() => (told += 1));
    expect((await call()).status).toBe(401);
    expect((await call()).status).toBe(401);
    expect([session.state(), told]).toEqual(['out', 1]);
  });

  it.each([503, 429])('is not over because the server says %i', async (status) => {
    serve(() => HttpResponse.json({}, { status }));
    expect((await call()).status).toBe(401);
    expect(session.state()).toBe('in');
  });

  it('does not ask for a token because a password was wrong', async () => {
    server.use(http.post(url('/api/auth/login'), () => HttpResponse.json({}, { status: 401 })));
    const answer = await session.fetch(new Request(url('/api/auth/login'), { method: 'POST', body: '{}' }));
    expect(answer.status).toBe(401);
    expect(refreshes).toBe(0);
  });

  it('asks for nothing more once it is over', async () => {
    serve(() => HttpResponse.json({}, { status: 401 }));
    await call();
    server.use(http.all(url('/api/models/'), () => HttpResponse.json({})));
    expect((await call()).status).toBe(401);
    expect(refreshes).toBe(1);
  });

  it('finds out once at the start, while everything else waits', async () => {
    let asked = 0;
    let known = false;
    serve(() => {
      known = true;
      return HttpResponse.json({ access_token: 'good' });
    });
    server.use(
      http.get(url('/api/auth/me'), () => {
        asked += 1;
        return HttpResponse.json({}, { status: 401 });
      }),
      http.all(url('/api/models/'), () => HttpResponse.json({}, { status: known ? 200 : 401 })),
    );
    const answers = await Promise.all([call(), call(), call()]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect([asked, refreshes]).toEqual([1, 1]);
  });

  it('answers with what it was told at the start, once and only whom it told of', async () => {
    let asked = 0;
    server.use(
      http.get(url('/api/auth/me'), () => {
        asked += 1;
        return HttpResponse.json({ name: `nobody ${asked}` });
      }),
    );
    const me = async () => (await session.fetch(new Request(url('/api/auth/me')))).json() as Promise<unknown>;
    await session.open();
    expect(await me()).toEqual({ name: 'nobody 1' });
    expect(await me()).toEqual({ name: 'nobody 2' });
    expect(asked).toBe(2);
  });

  it('asks anew who one is after a log-in', async () => {
    server.use(http.get(url('/api/auth/me'), () => HttpResponse.json({ name: 'nobody' })));
    await session.open();
    session.begin('good');
    server.use(http.get(url('/api/auth/me'), () => HttpResponse.json({ name: 'kim' })));
    const answer = await session.fetch(new Request(url('/api/auth/me')));
    expect(await answer.json()).toEqual({ name: 'kim' });
  });

  it('forgets the token when it ends', async () => {
    serve(() => HttpResponse.json({}, { status: 401 }));
    session.begin('good');
    expect((await call()).status).toBe(200);
    session.end();
    expect((await call()).status).toBe(401);
  });
});
