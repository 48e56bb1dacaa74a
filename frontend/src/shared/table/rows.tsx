import { Table } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import type { Ref, RefObject } from 'react';
import type { Column, RowProps } from './columns';

interface RowsProps<T extends object> {
  rows: readonly T[];
  columns: readonly Column<T>[];
  rowKey: (row: T) => string;
  rowProps: RowProps<T> | undefined;
}

/** Usual height of a row (px), until it was measured. */
const HEIGHT = 40;
/** Rows drawn beyond what is in sight at either end. */
const OVERSCAN = 12;

export function AllRows<T extends object>(props: RowsProps<T>) {
  return (
    <Table.Tbody>
      {props.rows.map((row, index) => (
        <Row key={props.rowKey(row)} row={row} index={index} {...props} />
      ))}
    </Table.Tbody>
  );
}

/** Only the rows in sight, between two empty ones as high as those that are not. */
export function VirtualRows<T extends object>({
  scroll,
  ...props
}: RowsProps<T> & { scroll: RefObject<HTMLElement | null> }) {
  const { rows, rowKey, columns } = props;
  // It asks for its rows anew at each render on purpose; nothing of it is kept.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => HEIGHT,
    overscan: OVERSCAN,
  });
  const items = virtualizer.getVirtualItems();
  const above = items[0]?.start ?? 0;
  const below = virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    <Table.Tbody>
      <Gap height={above} columns={columns.length} />
      {items.map(({ index }) => {
        const row = rows[index];
        return (
          row && (
            <Row key={rowKey(row)} row={row} index={index} measure={virtualizer.measureElement} {...props} />
          )
        );
      })}
      <Gap height={below} columns={columns.length} />
    </Table.Tbody>
  );
}

function Gap({ height, columns }: { height: number; columns: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden>
      <td colSpan={columns} style={{ height, padding: 0 }} />
    </tr>
  );
}

function Row<T extends object>(
  props: RowsProps<T> & { row: T; index: number; measure?: Ref<HTMLTableRowElement> },
) {
  const { row, index, columns, rowProps, measure } = props;
  return (
    <Table.Tr ref={measure} data-index={index} aria-rowindex={index + 2} {...rowProps?.(row)}>
      {columns.map((column) => (
        <Table.Td key={column.id} ta={column.align} visibleFrom={column.visibleFrom}>
          {column.cell ? column.cell(row) : column.value(row)}
        </Table.Td>
      ))}
    </Table.Tr>
  );
}
