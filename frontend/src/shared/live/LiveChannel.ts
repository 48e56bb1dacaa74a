import { LiveSocket, type LiveState } from './LiveSocket';

/** What a page learns of one frame: the events in it, and whether some before them are missing. */
export interface LiveBatch<T> {
  kind: 'snapshot' | 'update' | 'gap';
  events: readonly T[];
}

type Listener<T> = (batch: LiveBatch<T>) => void;

/** How long a channel that nobody uses stays open (ms), so that going from page to page does not reconnect. */
const LINGER_MS = 5_000;

/** One WebSocket channel shared by everything on the page that listens to it; open while somebody does. */
export class LiveChannel<T> {
  readonly #listeners = new Set<Listener<T>>();
  readonly #stateListeners = new Set<() => void>();
  readonly #socket: LiveSocket;
  #linger: ReturnType<typeof setTimeout> | undefined;

  /** `ticket` gets what one socket may be opened with. */
  constructor(path: string, ticket?: () => Promise<string | null>) {
    this.#socket = new LiveSocket({
      path,
      ticket,
      onState: () => {
        for (const listener of this.#stateListeners) listener();
      },
      onFrame: (frame) => {
        if (frame.kind === 'ping') return;
        const batch = { kind: frame.kind, events: frame.messages.map((message) => message.data as T) };
        for (const listener of this.#listeners) listener(batch);
      },
    });
  }

  readonly state = (): LiveState => this.#socket.state;

  /** Calls back with each frame until the returned function is called. */
  subscribe(listener: Listener<T>): () => void {
    this.#listeners.add(listener);
    clearTimeout(this.#linger);
    this.#socket.start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#linger = setTimeout(() => {
        this.#socket.stop();
      }, LINGER_MS);
    };
  }

  /** For useSyncExternalStore: calls back when {@link state} changed. Does not open the channel. */
  readonly onState = (listener: () => void): (() => void) => {
    this.#stateListeners.add(listener);
    return () => {
      this.#stateListeners.delete(listener);
    };
  };
}
