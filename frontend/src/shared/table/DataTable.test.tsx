import { MantineProvider } from '@mantine/core';
import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it, vi } from 'vitest';
import * as download from '@/shared/download';
import type { Column } from './columns';
import { DataTable, type DataTableProps } from './DataTable';

interface Row {
  ticker: string;
  rows: number | null;
}

const columns: Column<Row>[] = [
  { id: 'ticker', header: 'Ticker', value: (row) => row.ticker },
  { id: 'rows', header: 'Rows', value: (row) => row.rows, align: 'right' },
];
const data: Row[] = [
  { ticker: 'MSFT', rows: 20 },
  { ticker: 'AAPL', rows: null },
  { ticker: 'IBM', rows: 100 },
];

function show(props: Partial<DataTableProps<Row>> = {}): void {
  render(
    <MantineProvider env="test">
      <DataTable label="Datasets" columns={columns} rows={data} rowKey={(row) => row.ticker} {...props} />
    </MantineProvider>,
  );
}

function tickers(): (string | null)[] {
  return screen
    .getAllByRole('row')
    .slice(1)
    .map((row) => within(row).getAllByRole('cell')[0]?.textContent ?? null);
}

it('keeps the order that it was given until somebody sorts', async () => {
  show();
  expect(tickers()).toEqual(['MSFT', 'AAPL', 'IBM']);
  await userEvent.click(screen.getByRole('button', { name: 'Ticker' }));
  expect(tickers()).toEqual(['AAPL', 'IBM', 'MSFT']);
  expect(screen.getByRole('columnheader', { name: 'Ticker' })).toHaveAttribute('aria-sort', 'ascending');
});

it('puts what is not known last in either order', async () => {
  show();
  await userEvent.click(screen.getByRole('button', { name: 'Rows' }));
  const first = tickers();
  await userEvent.click(screen.getByRole('button', { name: 'Rows' }));
  expect(tickers()).not.toEqual(first);
  expect([first[2], tickers()[2]]).toEqual(['AAPL', 'AAPL']);
});

it('tells who keeps the order what was asked for', async () => {
  const onSort = vi.fn();
  show({ sort: { id: 'ticker', desc: false }, onSort });
  expect(tickers()).toEqual(['AAPL', 'IBM', 'MSFT']);
  await userEvent.click(screen.getByRole('button', { name: 'Ticker' }));
  expect(onSort).toHaveBeenCalledWith({ id: 'ticker', desc: true });
});

it('exports the rows in the order that is shown', async () => {
  const save = vi.spyOn(download, 'saveCsv').mockImplementation(() => undefined);
  show({ csv: 'datasets', sort: { id: 'ticker', desc: true }, onSort: vi.fn() });
  await userEvent.click(screen.getByRole('button', { name: /CSV/ }));
  expect(save).toHaveBeenCalledWith('datasets', 'Ticker,Rows\r\nMSFT,20\r\nIBM,100\r\nAAPL,\r\n');
});

it('draws a part of a long list only, and tells its whole length', () => {
  const many = Array.from({ length: 5_000 }, (_, index) => ({ ticker: `T${index}`, rows: index }));
  show({ rows: many, testId: 'long' });
  expect(screen.getByTestId('long')).toHaveAttribute('aria-rowcount', '5001');
  expect(screen.getAllByRole('row').length).toBeLessThan(100);
});
