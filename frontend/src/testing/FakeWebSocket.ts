import { vi } from 'vitest';

/** The server's side of a page's WebSockets, in a test's hands. */
export class FakeWebSocket {
  /** Oldest first. The page's channels outlive a test for a moment, so they stay until {@link reset}. */
  static opened: FakeWebSocket[] = [];
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: (() => void) | null = null;
  closed = false;
  readonly url: URL;

  constructor(address: string | URL) {
    this.url = new URL(address);
    FakeWebSocket.opened.push(this);
  }

  /** Takes the place of the browser's class until the test ends. */
  static install(): void {
    vi.stubGlobal('WebSocket', FakeWebSocket);
  }

  static reset(): void {
    FakeWebSocket.opened = [];
  }

  static last(path?: string): FakeWebSocket {
    const found = FakeWebSocket.opened.findLast((socket) => !path || socket.url.pathname === path);
    if (!found) throw new Error(`no WebSocket ${path ?? ''} was opened`);
    return found;
  }

  /** The page closes it. */
  close(): void {
    this.closed = true;
  }

  /** The server sends a frame. */
  send(kind: string, cursor: string, events: readonly unknown[] = []): void {
    const messages = events.map((data, index) => ({ seq: `0:${index}`, time: '2026-11-21T10:00:00Z', data }));
    this.sendText(
      JSON.stringify({ channel: 'predictions', kind, cursor, time: '2026-11-21T10:00:00Z', messages }),
    );
  }

  sendText(data: string): void {
    this.onmessage?.(new MessageEvent('message', { data }));
  }

  /** The connection is lost. */
  drop(): void {
    this.onclose?.();
  }
}
