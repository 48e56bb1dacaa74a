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

it('lets the newest state of a thing take the place of those before, and none that is older', () => {
  const log = new EventLog<{ id: string; revision: number }>(
    ({ id }) => id,
    10,
    (event, known) => event.revision > known.revision,
  );
  log.add([
    { id: 'a', revision: 1 },
    { id: 'b', revision: 1 },
    { id: 'a', revision: 2 },
  ]);
  expect(log.items().map(({ id, revision }) => `${id}${revision}`)).toEqual(['a2', 'b1']);
  log.add([
    { id: 'a', revision: 1 },
    { id: 'b', revision: 3 },
  ]);
  expect(log.items().map(({ id, revision }) => `${id}${revision}`)).toEqual(['b3', 'a2']);
});
