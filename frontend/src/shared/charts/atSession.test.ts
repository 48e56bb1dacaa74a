import { expect, it } from 'vitest';
import { atSession } from './atSession';

const items = ['2024-01-02', '2024-01-03', '2024-01-05'].map((session, place) => ({ session, place }));

it('finds each session', () => {
  expect(items.map(({ session }) => atSession(items, session)?.place)).toEqual([0, 1, 2]);
});

it.each(['2023-12-29', '2024-01-04', '2024-01-08'])('finds nothing of %s, which is not there', (absent) => {
  expect(atSession(items, absent)).toBeUndefined();
  expect(atSession(items.slice(0, 0), absent)).toBeUndefined();
});
