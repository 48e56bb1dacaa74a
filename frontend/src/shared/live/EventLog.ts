import { useSyncExternalStore } from 'react';

/**
 * The last events of a channel, newest first, each once; kept while the page is open, whoever looks at it. Where events
 * tell of a thing that changes, `isNewer` lets the newest take the place of those before.
 */
export class EventLog<T> {
  #items: readonly T[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #id: (event: T) => string;
  readonly #limit: number;
  readonly #isNewer: (event: T, known: T) => boolean;

  constructor(
    id: (event: T) => string,
    limit: number,
    isNewer: (event: T, known: T) => boolean = () => false,
  ) {
    this.#id = id;
    this.#limit = limit;
    this.#isNewer = isNewer;
  }

  /** Adds events that came in the order of time. */
  add(events: readonly T[]): void {
    const held = new Map(this.#items.map((item) => [this.#id(item), item]));
    const fresh = new Map<string, T>();
    for (const event of events) {
      const id = this.#id(event);
      const known = fresh.get(id) ?? held.get(id);
      if (known !== undefined && !this.#isNewer(event, known)) continue;
      fresh.delete(id);
      fresh.set(id, event);
    }
    if (fresh.size === 0) return;
    const kept = this.#items.filter((item) => !fresh.has(this.#id(item)));
    this.#items = [...[...fresh.values()].reverse(), ...kept].slice(0, this.#limit);
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
