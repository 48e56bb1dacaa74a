import { MantineProvider } from '@mantine/core';
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, it } from 'vitest';
import { Hint } from './Hint';

beforeEach(() => {
  render(
    <MantineProvider env="test">
      <Hint label="what it means">
        <button>skill</button>
      </Hint>
    </MantineProvider>,
  );
});

it('shows its word to who points there, until they point elsewhere', async () => {
  expect(screen.queryByText('what it means')).toBeNull();
  await userEvent.hover(screen.getByText('skill'));
  expect(await screen.findByText('what it means')).toBeVisible();
  await userEvent.unhover(screen.getByText('skill'));
  await waitFor(() => {
    expect(screen.queryByText('what it means')).toBeNull();
  });
});

it('shows it to who comes by keyboard, who stays there, and can send it away', async () => {
  await userEvent.tab();
  expect(await screen.findByText('what it means')).toBeVisible();
  expect(screen.getByText('skill')).toHaveFocus();
  await userEvent.keyboard('{Escape}');
  await waitFor(() => {
    expect(screen.queryByText('what it means')).toBeNull();
  });
});
