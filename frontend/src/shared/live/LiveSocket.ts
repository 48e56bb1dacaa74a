import { backoff } from './backoff';
import { parseFrame, type Frame } from './frames';

/**
 * - `connecting`: no connection yet, or the next try is due
 * - `live`: connected, and something was heard lately
 * - `stale`: connected, but silent for longer than the server pings
 * - `offline`: the connection was lost; a new one will be tried
 */
export type LiveState = 'connecting' | 'live' | 'stale' | 'offline';

export interface LiveSocketOptions {
  /** `/ws/predictions`, on the page's own origin. */
  path: string;
  /** Asked before each connection for a ticket that is good for one; null: go without. When it fails, it is asked again later. */
  ticket?: (() => Promise<string | null>) | undefined;
  /** A frame came; pings are not told. */
  onFrame: (frame: Frame) => void;
  onState: (state: LiveState) => void;
  /** Silence after which the connection is called stale, and after twice of which it is replaced (ms). */
  staleAfter?: number;
  random?: () => number;
}

const STALE_AFTER_MS = 20_000;

/** A WebSocket that stays: reconnects with back-off, goes on after the last frame's cursor, notices silence. */
export class LiveSocket {
  #socket: WebSocket | null = null;
  #cursor = '';
  #failures = 0;
  #stopped = true;
  /** Counts connections, so that a ticket that comes late opens none. */
  #attempt = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #silenceTimer: ReturnType<typeof setTimeout> | undefined;
  #state: LiveState = 'connecting';
  readonly #options: LiveSocketOptions;

  constructor(options: LiveSocketOptions) {
    this.#options = options;
  }

  get state(): LiveState {
    return this.#state;
  }

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    globalThis.addEventListener('online', this.#reconnectNow);
    document.addEventListener('visibilitychange', this.#onVisible);
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    globalThis.removeEventListener('online', this.#reconnectNow);
    document.removeEventListener('visibilitychange', this.#onVisible);
    clearTimeout(this.#retryTimer);
    this.#drop();
    this.#setState('connecting');
  }

  #connect(): void {
    this.#setState(this.#failures === 0 ? 'connecting' : 'offline');
    this.#attempt += 1;
    const attempt = this.#attempt;
    if (!this.#options.ticket) {
      this.#open(null);
      return;
    }
    this.#watchSilence();
    const isCurrent = () => attempt === this.#attempt && !this.#stopped;
    void this.#options.ticket().then(
      (ticket) => {
        if (isCurrent()) this.#open(ticket);
      },
      () => {
        if (isCurrent()) this.#lost();
      },
    );
  }

  #open(ticket: string | null): void {
    const url = new URL(this.#options.path, globalThis.location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    if (this.#cursor) url.searchParams.set('since', this.#cursor);
    if (ticket) url.searchParams.set('ticket', ticket);
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.onmessage = (event: MessageEvent<unknown>) => {
      this.#receive(event.data);
    };
    socket.onclose = () => {
      this.#lost();
    };
    this.#watchSilence();
  }

  #receive(data: unknown): void {
    const frame = typeof data === 'string' ? parseFrame(data) : null;
    this.#failures = 0;
    this.#setState('live');
    this.#watchSilence();
    if (!frame) return;
    if (frame.cursor) this.#cursor = frame.cursor;
    if (frame.kind !== 'ping') this.#options.onFrame(frame);
  }

  #watchSilence(): void {
    clearTimeout(this.#silenceTimer);
    const wait = this.#options.staleAfter ?? STALE_AFTER_MS;
    this.#silenceTimer = setTimeout(() => {
      if (this.#state === 'live') this.#setState('stale');
      this.#silenceTimer = setTimeout(() => {
        this.#lost();
      }, wait);
    }, wait);
  }

  #lost(): void {
    this.#drop();
    if (this.#stopped) return;
    this.#setState('offline');
    const wait = backoff(this.#failures, this.#options.random);
    this.#failures += 1;
    this.#retryTimer = setTimeout(() => {
      this.#connect();
    }, wait);
  }

  /** The network came back, or the page came to the front: no need to sit out the rest of the back-off. */
  readonly #reconnectNow = (): void => {
    if (this.#stopped || this.#socket) return;
    clearTimeout(this.#retryTimer);
    this.#connect();
  };

  readonly #onVisible = (): void => {
    if (document.visibilityState === 'visible') this.#reconnectNow();
  };

  #drop(): void {
    clearTimeout(this.#silenceTimer);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  #setState(state: LiveState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onState(state);
  }
}
