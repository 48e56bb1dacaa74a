import { describe, expect, it } from 'vitest';
import { createFormat } from './format';

describe('createFormat', () => {
  const en = createFormat('en');
  const zh = createFormat('zh-TW');

  it('writes prices with two digits, and small ones with up to four', () => {
    expect(en.price(1234.5)).toBe('1,234.50');
    expect(en.price(0.12345)).toBe('0.1235');
    expect(en.price(5)).toBe('5.00');
  });

  it('gives changes a sign, but none to no change', () => {
    expect(en.change(0.0123)).toBe('+1.23%');
    expect(en.change(-0.0123)).toBe('-1.23%');
    expect(en.change(0)).toBe('0.00%');
  });

  it("writes a session's date as it is, whatever the browser's time zone", () => {
    expect(en.session('2012-09-14')).toBe('Sep 14, 2012');
    expect(zh.session('2012-09-14')).toBe('2012年9月14日');
  });

  it('names the time zone of an instant', () => {
    expect(en.instant('2026-11-21T10:00:00Z')).toMatch(/(UTC|GMT|[A-Z]{2,4})/);
  });

  it('tells how long ago something was, and never that it lies ahead', () => {
    const now = Date.parse('2026-11-21T10:00:00Z');
    expect(en.ago('2026-11-21T09:59:30Z', now)).toBe('30 sec. ago');
    expect(en.ago('2026-11-21T07:00:00Z', now)).toBe('3 hr. ago');
    expect(en.ago(now + 5_000, now)).toBe('now');
    expect(zh.ago('2026-11-21T09:58:00Z', now)).toBe('2 分鐘前');
  });
});
