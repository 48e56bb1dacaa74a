/** Where prices may come from. */
export const LOAD_SOURCES = ['sample', 'yfinance', 'file'] as const;
export type LoadSource = (typeof LOAD_SOURCES)[number];

export function isLoadSource(value: unknown): value is LoadSource {
  return LOAD_SOURCES.some((source) => source === value);
}
