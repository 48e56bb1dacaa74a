import { Button, Group, Table, Text } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useRef, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { saveCsv } from '@/shared/download';
import type { Column, RowProps } from './columns';
import { toCsv } from './csv';
import classes from './DataTable.module.css';
import { HeaderCell } from './HeaderCell';
import { AllRows, VirtualRows } from './rows';
import { useSortedRows, type SortControl } from './useSortedRows';

/** Up to so many rows all are on the page, so that the browser's own search finds them. */
const ALL = 100;

export interface DataTableProps<T extends object> extends SortControl {
  /** what the table tells, for people who do not see it */
  label: string;
  /** one list as long as nothing changes: a new one sorts again */
  columns: readonly Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  /** name of the file that it is exported to; none: it is not */
  csv?: string;
  /** what stands above it at the left: filters, a count */
  toolbar?: ReactNode;
  /** height from which it scrolls (px) */
  maxHeight?: number;
  rowProps?: RowProps<T>;
  testId?: string;
}

/** A table to sort, export and scroll through, however long it is: rows that are not in sight are not drawn. */
export function DataTable<T extends object>(props: DataTableProps<T>) {
  const { label, columns, rowKey, rowProps, maxHeight = 560, testId } = props;
  const { sorted, sort, toggle } = useSortedRows(props.rows, columns, props);
  const scroll = useRef<HTMLDivElement>(null);
  const body = { rows: sorted, columns, rowKey, rowProps };
  return (
    <div>
      <Toolbar {...props} sorted={sorted} />
      <div
        ref={scroll}
        className={classes.scroll}
        style={{ maxHeight }}
        role="region"
        aria-label={label}
        // A region that scrolls must be reachable for those who have no pointer.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
      >
        <Table
          stickyHeader
          highlightOnHover
          fz="sm"
          verticalSpacing={8}
          horizontalSpacing="xs"
          aria-label={label}
          aria-rowcount={sorted.length + 1}
          data-testid={testId}
        >
          <Table.Thead>
            <Table.Tr>
              {columns.map((column) => (
                <HeaderCell
                  key={column.id}
                  column={column}
                  sorted={sort?.id === column.id ? (sort.desc ? 'descending' : 'ascending') : 'none'}
                  onToggle={toggle}
                />
              ))}
            </Table.Tr>
          </Table.Thead>
          {sorted.length <= ALL ? <AllRows {...body} /> : <VirtualRows {...body} scroll={scroll} />}
        </Table>
      </div>
    </div>
  );
}

function Toolbar<T extends object>(props: DataTableProps<T> & { sorted: readonly T[] }) {
  const { t } = useTranslation();
  const { csv, toolbar, sorted, columns } = props;
  if (csv === undefined && toolbar === undefined) return null;
  return (
    <Group justify="space-between" mb="xs" gap="sm">
      <div className={classes.toolbar}>
        {toolbar ?? (
          <Text fz="sm" className="muted">
            {t('table.rows', { count: sorted.length })}
          </Text>
        )}
      </div>
      {csv !== undefined && (
        <Button
          size="compact-sm"
          variant="subtle"
          color="gray"
          leftSection={<IconDownload size={14} />}
          aria-label={t('table.csvHint', { label: props.label })}
          disabled={sorted.length === 0}
          onClick={() => {
            saveCsv(csv, toCsv(columns, sorted));
          }}
        >
          CSV
        </Button>
      )}
    </Group>
  );
}
