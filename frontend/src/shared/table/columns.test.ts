import { expect, it } from 'vitest';
import { compareValues, sortFromText, sortToText } from './columns';

it('writes an order into an address and reads it back', () => {
  expect(sortToText({ id: 'rows', desc: true })).toBe('-rows');
  expect(sortFromText('-rows')).toEqual({ id: 'rows', desc: true });
  expect(sortFromText('rows')).toEqual({ id: 'rows', desc: false });
  expect(sortFromText(undefined)).toBeNull();
  expect(sortToText(null)).toBeUndefined();
});

it('orders numbers by size, and texts as people do', () => {
  expect([10, 9, 100].sort(compareValues)).toEqual([9, 10, 100]);
  expect(['v10', 'V9', 'a'].sort(compareValues)).toEqual(['a', 'V9', 'v10']);
  expect(compareValues(false, true)).toBeLessThan(0);
});
