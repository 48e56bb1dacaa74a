import type { MantineBreakpoint, TableTrProps } from '@mantine/core';
import type { ReactNode } from 'react';

/** What a cell is sorted and exported by; null where it is not known. */
export type CellValue = string | number | boolean | null | undefined;

/** A column of a {@link DataTable}. */
export interface Column<T> {
  id: string;
  header: string;
  value: (row: T) => CellValue;
  /** how it is shown; as its value otherwise */
  cell?: (row: T) => ReactNode;
  /** numbers stand at the right */
  align?: 'right';
  /** what the header means */
  hint?: string;
  /** width of the page from which it is shown */
  visibleFrom?: MantineBreakpoint;
  /** false: its order says nothing */
  sortable?: boolean;
  /** false: nothing for a file, like buttons */
  exported?: boolean;
}

/** What one can do with a row, at its end. */
export function actionColumn<T>(cell: (row: T) => ReactNode): Column<T> {
  return {
    id: 'actions',
    header: '',
    value: () => null,
    cell,
    align: 'right',
    sortable: false,
    exported: false,
  };
}

/** What a row's element gets besides its cells. */
export type RowProps<T> = (row: T) => TableTrProps & Record<`data-${string}`, unknown>;

export interface Sort {
  id: string;
  desc: boolean;
}

/** `rows` and `-rows`, as addresses carry it. */
export function sortToText(sort: Sort | null): string | undefined {
  return sort ? `${sort.desc ? '-' : ''}${sort.id}` : undefined;
}

/** The reverse; null when nothing is sorted. */
export function sortFromText(text: string | undefined): Sort | null {
  if (!text) return null;
  const desc = text.startsWith('-');
  return { id: desc ? text.slice(1) : text, desc };
}

const words = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/** Orders two known values: numbers by size, texts as people do. */
export function compareValues(a: NonNullable<CellValue>, b: NonNullable<CellValue>): number {
  if (typeof a === 'string' || typeof b === 'string') return words.compare(String(a), String(b));
  return Number(a) - Number(b);
}
