import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeWebSocket } from '@/testing/FakeWebSocket';
import type { Frame } from './frames';
import { LiveSocket, type LiveState } from './LiveSocket';

let frames: Frame[];
let states: LiveState[];
let socket: LiveSocket;

beforeEach(() => {
  vi.useFakeTimers();
  FakeWebSocket.install();
  FakeWebSocket.reset();
  frames = [];
  states = [];
  socket = new LiveSocket({
    path: '/ws/predictions',
    onFrame: (frame) => frames.push(frame),
    onState: (state) => states.push(state),
    staleAfter: 1_000,
    random: () => 1,
  });
  socket.start();
});

afterEach(() => {
  socket.stop();
  vi.useRealTimers();
});

describe('LiveSocket', () => {
  it('is live from the first frame on, and tells of frames but not of pings', () => {
    FakeWebSocket.last().send('snapshot', 'c1', [{ id: 1 }]);
    FakeWebSocket.last().send('ping', 'c1');
    expect(socket.state).toBe('live');
    expect(frames.map((frame) => frame.kind)).toEqual(['snapshot']);
    expect(frames[0]?.messages[0]?.data).toEqual({ id: 1 });
  });

  it('goes on after the last cursor when the connection was lost', () => {
    FakeWebSocket.last().send('snapshot', '0.5.1');
    FakeWebSocket.last().send('update', '0.9.2');
    FakeWebSocket.last().drop();
    expect(socket.state).toBe('offline');
    vi.advanceTimersByTime(500);
    expect(FakeWebSocket.opened).toHaveLength(2);
    expect(FakeWebSocket.last().url.searchParams.get('since')).toBe('0.9.2');
  });

  it('keeps its cursor over frames that cannot be resumed from', () => {
    FakeWebSocket.last().send('update', '0.9.2');
    FakeWebSocket.last().send('gap', '');
    FakeWebSocket.last().drop();
    vi.advanceTimersByTime(500);
    expect(FakeWebSocket.last().url.searchParams.get('since')).toBe('0.9.2');
    expect(frames.map((frame) => frame.kind)).toEqual(['update', 'gap']);
  });

  it('waits twice as long after each failure, up to half a minute, and starts over once it was live', () => {
    const waits: number[] = [];
    for (let failure = 0; failure < 9; failure += 1) {
      const before = FakeWebSocket.opened.length;
      FakeWebSocket.last().drop();
      let waited = 0;
      while (FakeWebSocket.opened.length === before) {
        vi.advanceTimersByTime(500);
        waited += 500;
      }
      waits.push(waited);
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    FakeWebSocket.last().send('snapshot', 'c');
    FakeWebSocket.last().drop();
    const before = FakeWebSocket.opened.length;
    vi.advanceTimersByTime(500);
    expect(FakeWebSocket.opened).toHaveLength(before + 1);
  });

  it('is stale after silence, live again when something comes, and replaced when nothing does', () => {
    FakeWebSocket.last().send('snapshot', 'c');
    vi.advanceTimersByTime(1_000);
    expect(socket.state).toBe('stale');
    FakeWebSocket.last().send('ping', 'c');
    expect(socket.state).toBe('live');
    const silent = FakeWebSocket.last();
    vi.advanceTimersByTime(2_500);
    expect(silent.closed).toBe(true);
    expect(FakeWebSocket.opened).toHaveLength(2);
  });

  it('gives up a connection that never opens', () => {
    vi.advanceTimersByTime(2_500);
    expect(FakeWebSocket.opened[0]?.closed).toBe(true);
    expect(FakeWebSocket.opened).toHaveLength(2);
  });

  it('reconnects at once when the network is back', () => {
    FakeWebSocket.last().drop();
    globalThis.dispatchEvent(new Event('online'));
    expect(FakeWebSocket.opened).toHaveLength(2);
    vi.advanceTimersByTime(600);
    expect(FakeWebSocket.opened).toHaveLength(2);
  });

  it('survives text that is no frame', () => {
    FakeWebSocket.last().sendText('<html>');
    FakeWebSocket.last().sendText('{"kind":"new kind of frame","messages":[]}');
    FakeWebSocket.last().sendText('null');
    expect(frames).toEqual([]);
    expect(socket.state).toBe('live');
  });

  it('gets a ticket of its own for each connection', async () => {
    let issued = 0;
    const guarded = new LiveSocket({
      path: '/ws/alerts',
      ticket: () => Promise.resolve(`ticket-${(issued += 1)}`),
      onFrame: () => undefined,
      onState: () => undefined,
      random: () => 1,
    });
    guarded.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeWebSocket.last('/ws/alerts').url.searchParams.get('ticket')).toBe('ticket-1');
    FakeWebSocket.last('/ws/alerts').drop();
    await vi.advanceTimersByTimeAsync(500);
    expect(FakeWebSocket.last('/ws/alerts').url.searchParams.get('ticket')).toBe('ticket-2');
    guarded.stop();
  });

  it('asks again later when it gets no ticket', async () => {
    let asked = 0;
    const guarded = new LiveSocket({
      path: '/ws/alerts',
      ticket: () => {
        asked += 1;
        return asked === 1 ? Promise.reject(new Error('not logged in')) : Promise.resolve('ticket');
      },
      onFrame: () => undefined,
      onState: () => undefined,
      random: () => 1,
    });
    guarded.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(guarded.state).toBe('offline');
    await vi.advanceTimersByTimeAsync(500);
    expect(FakeWebSocket.last('/ws/alerts').url.searchParams.get('ticket')).toBe('ticket');
    guarded.stop();
  });

  it('opens nothing for a ticket that comes after it was stopped', async () => {
    const guarded = new LiveSocket({
      path: '/ws/alerts',
      ticket: () => Promise.resolve('late'),
      onFrame: () => undefined,
      onState: () => undefined,
    });
    guarded.start();
    guarded.stop();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(FakeWebSocket.opened.map((socket) => socket.url.pathname)).toEqual(['/ws/predictions']);
  });

  it('closes and stays closed when it is stopped', () => {
    socket.stop();
    expect(FakeWebSocket.last().closed).toBe(true);
    vi.advanceTimersByTime(60_000);
    expect(FakeWebSocket.opened).toHaveLength(1);
  });
});
