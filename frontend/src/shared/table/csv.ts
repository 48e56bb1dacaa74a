import type { CellValue, Column } from './columns';

/** A spreadsheet takes a text that starts so for a formula; an apostrophe in front keeps it a text (OWASP). */
const FORMULA = /^[=+\-@\t\r]/;

function field(value: CellValue): string {
  if (value == null) return '';
  if (typeof value !== 'string') return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Rows as a CSV file (RFC 4180): numbers with a point whatever the page's language, so that programs read them. */
export function toCsv<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  const exported = columns.filter((column) => column.exported !== false);
  const lines = [
    exported.map((column) => field(column.header)),
    ...rows.map((row) => exported.map((column) => field(column.value(row)))),
  ];
  return lines.map((line) => `${line.join(',')}\r\n`).join('');
}
