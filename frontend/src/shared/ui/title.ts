export const PRODUCT = 'Stock MLOps';

/** What a browser's tab says of a page: the page first, because tabs are narrow. */
export function titled(page: string): string {
  return `${page} · ${PRODUCT}`;
}
