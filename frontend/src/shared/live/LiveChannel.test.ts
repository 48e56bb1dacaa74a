import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeWebSocket } from '@/testing/FakeWebSocket';
import { LiveChannel } from './LiveChannel';

beforeEach(() => {
  vi.useFakeTimers();
  FakeWebSocket.install();
  FakeWebSocket.reset();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('LiveChannel', () => {
  it('shares one connection among its listeners', () => {
    const channel = new LiveChannel<{ id: number }>('/ws/alerts');
    const first = vi.fn();
    const second = vi.fn();
    const stops = [channel.subscribe(first), channel.subscribe(second)];
    FakeWebSocket.last().send('update', 'c', [{ id: 7 }]);
    expect(FakeWebSocket.opened).toHaveLength(1);
    expect(first).toHaveBeenCalledWith({ kind: 'update', events: [{ id: 7 }] });
    expect(second).toHaveBeenCalledTimes(1);
    stops.forEach((stop) => {
      stop();
    });
  });

  it('stays open while one goes from page to page, and closes when nobody came back', () => {
    const channel = new LiveChannel('/ws/alerts');
    channel.subscribe(vi.fn())();
    vi.advanceTimersByTime(4_000);
    const leave = channel.subscribe(vi.fn());
    vi.advanceTimersByTime(10_000);
    expect(FakeWebSocket.opened).toHaveLength(1);
    expect(FakeWebSocket.last().closed).toBe(false);
    leave();
    vi.advanceTimersByTime(5_000);
    expect(FakeWebSocket.last().closed).toBe(true);
  });

  it('resumes after its last cursor when it is opened again', () => {
    const channel = new LiveChannel('/ws/metrics');
    const leave = channel.subscribe(vi.fn());
    FakeWebSocket.last().send('snapshot', '0.3.1');
    leave();
    vi.advanceTimersByTime(5_000);
    const again = channel.subscribe(vi.fn());
    expect(FakeWebSocket.last().url.search).toBe('?since=0.3.1');
    again();
  });
});
