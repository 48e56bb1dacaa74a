import { useSyncExternalStore } from 'react';

/** The last events of a channel, newest first, each once; kept while the page is open, whoever looks at it. */
export class EventLog<T> {
  #items: readonly T[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #id: (event: T) => string;
  readonly #limit: number;

  constructor(id: (event: T) => string, limit: number) {
    this.#id = id;
    this.#limit = limit;
  }

  /** Adds events that came in the order of time. */
  add(events: readonly T[]): void {
    const known = new Set(this.#items.map(this.#id));
    const fresh = events.filter((event) => !known.has(this.#id(event)));
    if (fresh.length === 0) return;
    this.#items = [...fresh.reverse(), ...this.#items].slice(0, this.#limit);
    for (const listener of this.#listeners) listener();
  }

  readonly items = (): readonly T[] => this.#items;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };
}

export function useEventLog<T>(log: EventLog<T>): readonly T[] {
  return useSyncExternalStore(log.subscribe, log.items);
}
