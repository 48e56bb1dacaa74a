/** How many sessions the chart shows at first. */
export const RANGES = {
  '1m': 22,
  '3m': 64,
  '6m': 127,
  '1y': 253,
  '5y': 1265,
  all: Number.POSITIVE_INFINITY,
} as const;
export type Range = keyof typeof RANGES;
export const DEFAULT_RANGE: Range = '6m';

export function isRange(value: unknown): value is Range {
  return typeof value === 'string' && Object.hasOwn(RANGES, value);
}
