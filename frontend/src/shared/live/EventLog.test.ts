import { expect, it, vi } from 'vitest';
import { EventLog } from './EventLog';

it('keeps the newest events first, each once, and no more than its limit', () => {
  const log = new EventLog<string>((event) => event, 3);
  const changed = vi.fn();
  log.subscribe(changed);
  log.add(['a', 'b']);
  log.add(['b', 'c', 'd']);
  log.add(['d']);
  expect(log.items()).toEqual(['d', 'c', 'b']);
  expect(changed).toHaveBeenCalledTimes(2);
});
