type State = 'in' | 'out';

const ME = '/api/auth/me';
/** What gives a session, and so needs none. */
const OPEN = ['/api/auth/login', '/api/auth/refresh', '/api/auth/logout'];

interface Refreshed {
  access_token: string;
}

/**
 * The browser's session. The access token is kept in memory only and the refresh token in a cookie that no script can
 * read, so that a script which got into the page takes away at most some minutes.
 *
 * A page is taken to be logged in until the API says otherwise: where access is off it never does.
 */
export class Session {
  #token: string | null = null;
  #state: State = 'in';
  #refreshing: Promise<boolean> | null = null;
  #opening: Promise<void> | null = null;
  /** Who one is, as the opening was told: for the first who asks for just that. */
  #me: Response | null = null;
  readonly #listeners = new Set<() => void>();

  readonly state = (): State => this.#state;

  /** For useSyncExternalStore. */
  readonly onState = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };

  /**
   * One small request finds out whether there is a session, before all that a page asks for fails for want of it. The
   * first request waits for it; called before, it is under way while the page is still being put together.
   */
  open(): Promise<void> {
    return (this.#opening ??= this.#open());
  }

  begin(token: string): void {
    this.#token = token;
    this.#me = null;
    this.#setState('in');
  }

  end(): void {
    this.#token = null;
    this.#setState('out');
  }

  /** Sends a request of the API with the token; when that has run out, again with the next one. */
  readonly fetch = async (request: Request): Promise<Response> => {
    if (OPEN.includes(new URL(request.url).pathname)) return globalThis.fetch(request);
    await this.open();
    if (this.#state === 'out') return new Response(null, { status: 401, statusText: 'Not logged in' });
    const me = this.#me;
    if (me && new URL(request.url).pathname === ME) {
      this.#me = null;
      return me;
    }
    const again = request.clone();
    const used = this.#token;
    const answer = await globalThis.fetch(signed(request, used));
    if (answer.status !== 401) return answer;
    // Another request may have brought a new one meanwhile.
    if (this.#token === used && !(await this.#refresh())) return answer;
    return globalThis.fetch(signed(again, this.#token));
  };

  async #open(): Promise<void> {
    try {
      const answer = await globalThis.fetch(new URL(ME, globalThis.location.origin));
      if (answer.ok) this.#me = answer;
      if (answer.status === 401 && this.#token === null) await this.#refresh();
    } catch {
      // Nothing answers; the requests that wait will say so, each for itself.
    }
  }

  /** Once for all requests that wait for it. */
  #refresh(): Promise<boolean> {
    this.#refreshing ??= inTurn(() => this.#askForToken()).finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #askForToken(): Promise<boolean> {
    const url = new URL('/api/auth/refresh', globalThis.location.origin);
    const answer = await globalThis.fetch(url, { method: 'POST' });
    if (answer.ok) {
      this.begin(((await answer.json()) as Refreshed).access_token);
      return true;
    }
    // Whatever is only down will answer later; the session is not over for that.
    if (answer.status < 500 && answer.status !== 429) this.end();
    return false;
  }

  #setState(state: State): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

/** All tabs share the cookie, and a token used twice ends the session: one tab at a time. */
async function inTurn(work: () => Promise<boolean>): Promise<boolean> {
  // Absent where the page is not secure, and in tests; its type does not say so.
  const locks = navigator.locks as LockManager | undefined;
  return locks ? await locks.request('stock-session', work) : await work();
}

function signed(request: Request, token: string | null): Request {
  if (token) request.headers.set('Authorization', `Bearer ${token}`);
  return request;
}

export const session = new Session();
