import { Table, type TableProps } from '@mantine/core';
import classes from './ScrollTable.module.css';

interface ScrollTableProps extends TableProps {
  /** what the table tells, for people who do not see it */
  label: string;
  /** height from which it scrolls */
  maxHeight?: number;
}

/** A table that scrolls in its own place when it is too wide or too long, with the keyboard as well. */
export function ScrollTable({ label, maxHeight, ...table }: ScrollTableProps) {
  return (
    // A region that scrolls must be reachable for those who have no pointer.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={classes.scroll} style={{ maxHeight }} role="region" aria-label={label} tabIndex={0}>
      <Table stickyHeader={maxHeight !== undefined} {...table} />
    </div>
  );
}
