import { useLayoutEffect, useState } from 'react';

/** What has the focus; of a menu's item, which goes as soon as it is chosen, the button that the menu hangs from. */
function focused(): Element | null {
  const element = document.activeElement;
  const label = element?.closest('[role="menu"]')?.getAttribute('aria-labelledby');
  return label ? document.getElementById(label) : element;
}

/** Whether the focus is lost or goes with a dialog, hence whether nothing that stays has taken it. */
function focusIsFree(): boolean {
  const element = document.activeElement;
  return element === null || element === document.body || element.closest('[role="dialog"]') !== null;
}

/** To where the page's own begins, rather than to nothing, from where keys would lead through all the navigation. */
function focusMainIfLost(): void {
  const element = document.activeElement;
  if (element === null || element === document.body)
    document.querySelector<HTMLElement>('main')?.focus({ preventScroll: true });
}

/**
 * Gives the focus back to what had it before this component was rendered, when the component goes; to the page where that
 * is no more, such as the button of a row that was deleted. Mantine's own does so only for a dialog that stays rendered
 * while it is closed.
 */
export function useFocusBack(): void {
  // While rendering: what is committed together with this component may take the opener's menu away.
  const [before] = useState(focused);
  useLayoutEffect(() => {
    // One dialog in the place of another: its button went with it, and it has given the focus back by now.
    const opener = before?.isConnected ? before : document.activeElement;
    return () => {
      if (focusIsFree() && opener instanceof HTMLElement && opener.isConnected)
        opener.focus({ preventScroll: true });
      // Once all that goes together with this component has gone, which may be the opener as well.
      queueMicrotask(focusMainIfLost);
    };
  }, [before]);
}
