import { MantineProvider, Menu } from '@mantine/core';
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { expect, it } from 'vitest';
import { Dialog } from './Dialog';

type Shown = 'first' | 'second' | null;

function Page() {
  const [shown, setShown] = useState<Shown>(null);
  const [deleted, setDeleted] = useState(false);
  const show = (dialog: Shown) => () => {
    setShown(dialog);
  };
  return (
    <main tabIndex={-1}>
      {!deleted && <button onClick={show('first')}>open</button>}
      <Menu>
        <Menu.Target>
          <button>more</button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={show('first')}>item</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {shown === 'first' && (
        <Dialog onClose={show(null)}>
          <button data-autofocus onClick={show('second')}>
            next
          </button>
          <button
            onClick={() => {
              setDeleted(true);
            }}
          >
            delete
          </button>
          <button
            onClick={() => {
              setDeleted(true);
              setShown(null);
            }}
          >
            delete and close
          </button>
        </Dialog>
      )}
      {shown === 'second' && (
        <Dialog onClose={show(null)}>
          <button data-autofocus>last</button>
        </Dialog>
      )}
    </main>
  );
}

/** `test`: without transitions, as for people who want less motion; a menu goes in the moment its item is chosen. */
function renderPage(env: 'default' | 'test') {
  render(
    <MantineProvider env={env}>
      <Page />
    </MantineProvider>,
  );
}

async function focusOf(name: string): Promise<void> {
  await waitFor(() => {
    expect(screen.getByText(name)).toHaveFocus();
  });
}

async function leave(): Promise<void> {
  await userEvent.keyboard('{Escape}');
  await waitFor(() => {
    expect(screen.queryByRole('dialog')).toBeNull();
  });
}

it('gives the focus back to the button that opened it', async () => {
  renderPage('test');
  await userEvent.click(screen.getByText('open'));
  await focusOf('next');
  await leave();
  expect(screen.getByText('open')).toHaveFocus();
});

it.each(['default', 'test'] as const)(
  "gives the focus back to the button of the menu that opened it, transitions: '%s'",
  async (env) => {
    renderPage(env);
    await userEvent.click(screen.getByText('more'));
    await userEvent.click(await screen.findByRole('menuitem', { name: 'item' }));
    await focusOf('next');
    await leave();
    expect(screen.getByText('more')).toHaveFocus();
  },
);

it('gives the focus back to what opened the dialog in whose place it came', async () => {
  renderPage('test');
  await userEvent.click(screen.getByText('open'));
  await focusOf('next');
  await userEvent.keyboard('{Enter}');
  await focusOf('last');
  await leave();
  expect(screen.getByText('open')).toHaveFocus();
});

it('leaves the focus with what has taken it meanwhile', async () => {
  renderPage('test');
  await userEvent.click(screen.getByText('open'));
  await focusOf('next');
  screen.getByText('more').focus();
  await leave();
  expect(screen.getByText('more')).toHaveFocus();
});

it('gives the focus to the page when what opened it is no more', async () => {
  renderPage('test');
  await userEvent.click(screen.getByText('open'));
  await focusOf('next');
  await userEvent.click(screen.getByText('delete'));
  expect(screen.queryByText('open')).toBeNull();
  await leave();
  expect(screen.getByRole('main')).toHaveFocus();
});

it('gives the focus to the page when what opened it goes together with it', async () => {
  renderPage('test');
  await userEvent.click(screen.getByText('open'));
  await focusOf('next');
  await userEvent.click(screen.getByText('delete and close'));
  expect(screen.queryByRole('dialog')).toBeNull();
  await waitFor(() => {
    expect(screen.getByRole('main')).toHaveFocus();
  });
});
