import { Table, Tooltip, UnstyledButton } from '@mantine/core';
import { IconArrowDown, IconArrowsSort, IconArrowUp } from '@tabler/icons-react';
import type { Column } from './columns';
import classes from './DataTable.module.css';

interface HeaderCellProps<T> {
  column: Column<T>;
  sorted: 'ascending' | 'descending' | 'none';
  onToggle: (id: string) => void;
}

const ICONS = { ascending: IconArrowUp, descending: IconArrowDown, none: IconArrowsSort };

/** A column's name, which sorts by it. */
export function HeaderCell<T>({ column, sorted, onToggle }: HeaderCellProps<T>) {
  const Icon = ICONS[sorted];
  const sortable = column.sortable !== false && column.header !== '';
  return (
    <Table.Th
      ta={column.align}
      visibleFrom={column.visibleFrom}
      aria-sort={sortable ? sorted : undefined}
      className={classes.header}
    >
      <Tooltip label={column.hint} disabled={!column.hint} multiline maw={260} events={EVENTS}>
        {sortable ? (
          <UnstyledButton
            className={classes.sort}
            data-sorted={sorted !== 'none'}
            data-align={column.align}
            onClick={() => {
              onToggle(column.id);
            }}
          >
            {column.header}
            <Icon size={13} aria-hidden />
          </UnstyledButton>
        ) : (
          <span>{column.header}</span>
        )}
      </Tooltip>
    </Table.Th>
  );
}

const EVENTS = { hover: true, focus: true, touch: true };
