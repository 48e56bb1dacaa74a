import { expect, it } from 'vitest';
import type { Column } from './columns';
import { toCsv } from './csv';

interface Row {
  name: string;
  close: number | null;
}

const columns: Column<Row>[] = [
  { id: 'name', header: 'Name, full', value: (row) => row.name },
  { id: 'close', header: 'Close', value: (row) => row.close },
  { id: 'open', header: '', value: () => 'button', exported: false },
];

it('quotes what has to be quoted, and leaves unknown values and buttons out', () => {
  const rows = [
    { name: 'A "quoted", one', close: 1234.5 },
    { name: 'B', close: null },
  ];
  expect(toCsv(columns, rows)).toBe('"Name, full",Close\r\n"A ""quoted"", one",1234.5\r\nB,\r\n');
});

it('keeps a spreadsheet from taking a text for a formula, but not a negative number', () => {
  expect(toCsv(columns, [{ name: '=HYPERLINK("x")', close: -1 }])).toContain('"\'=HYPERLINK(""x"")",-1');
});
