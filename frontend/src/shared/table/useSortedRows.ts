import {
  createSortedRowModel,
  rowSortingFeature,
  tableFeatures,
  useTable,
  type ColumnDef,
  type SortFn,
  type SortingState,
} from '@tanstack/react-table';
import { useMemo, useState } from 'react';
import { compareValues, type CellValue, type Column, type Sort } from './columns';

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel() });
type Features = typeof features;

export interface SortControl {
  sort?: Sort | null | undefined;
  onSort?: ((sort: Sort | null) => void) | undefined;
}

function definitions<T extends object>(columns: readonly Column<T>[]): ColumnDef<Features, T>[] {
  const compare: SortFn<Features, T> = (a, b, id) =>
    compareValues(a.getValue<NonNullable<CellValue>>(id), b.getValue<NonNullable<CellValue>>(id));
  return columns.map((column) => ({
    id: column.id,
    header: column.header,
    // What is not known stands last in either order.
    accessorFn: (row) => column.value(row) ?? undefined,
    sortUndefined: 'last',
    sortFn: compare,
    enableSorting: column.sortable !== false,
  }));
}

/** Rows in the order that was asked for; who does not keep the order (in the address, say) leaves it to the table. */
export function useSortedRows<T extends object>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  control: SortControl,
) {
  const [own, setOwn] = useState<Sort | null>(null);
  const sort = control.onSort ? (control.sort ?? null) : own;
  const setSort = control.onSort ?? setOwn;
  const data = useMemo(() => [...rows], [rows]);
  const defined = useMemo(() => definitions(columns), [columns]);
  const sorting: SortingState = useMemo(() => (sort ? [sort] : []), [sort]);
  const table = useTable<Features, T>({
    features,
    data,
    columns: defined,
    state: { sorting },
    enableMultiSort: false,
    onSortingChange: (change) => {
      const next = typeof change === 'function' ? change(sorting) : change;
      setSort(next[0] ?? null);
    },
  });
  return {
    sorted: table.getRowModel().rows.map((row) => row.original),
    sort,
    toggle: (id: string) => {
      table.getColumn(id)?.toggleSorting();
    },
  };
}
