import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { throttle } from './throttle';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('acts at once, then once per interval, and never loses the last call', () => {
  const action = vi.fn();
  const { call } = throttle(action, 1_000);
  call();
  call();
  call();
  expect(action).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1_000);
  expect(action).toHaveBeenCalledTimes(2);
  vi.advanceTimersByTime(5_000);
  expect(action).toHaveBeenCalledTimes(2);
  call();
  expect(action).toHaveBeenCalledTimes(3);
});

it('drops a waiting call when it is cancelled', () => {
  const action = vi.fn();
  const { call, cancel } = throttle(action, 1_000);
  call();
  call();
  cancel();
  vi.advanceTimersByTime(5_000);
  expect(action).toHaveBeenCalledTimes(1);
});
