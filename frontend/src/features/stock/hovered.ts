type Listener = () => void;

/**
 * The session under the cursor, for who follows it. A chart that is dragged tells another one in every frame: what does
 * not show it must not be drawn anew for that.
 */
export class Hovered {
  #session: string | null = null;
  readonly #listeners = new Set<Listener>();

  readonly get = (): string | null => this.#session;

  readonly set = (session: string | null): void => {
    if (session === this.#session) return;
    this.#session = session;
    for (const listener of this.#listeners) listener();
  };

  readonly subscribe = (listener: Listener): Listener => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };
}
