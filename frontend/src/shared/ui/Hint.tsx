import { lazy, Suspense, useEffect, useState, type ReactElement, type SyntheticEvent } from 'react';

const HintBubble = lazy(() => import('./HintBubble'));

interface HintProps {
  label: string;
  /** one element */
  children: ReactElement;
}

/** A word about what it surrounds, for whoever points at it, or comes to it by keyboard; fetched when first asked for. */
export function Hint({ label, children }: HintProps) {
  const [target, setTarget] = useState<HTMLElement | null>(null);
  const [opened, setOpened] = useState(false);
  const show = ({ currentTarget }: SyntheticEvent<HTMLElement>) => {
    if (currentTarget.firstElementChild instanceof HTMLElement) setTarget(currentTarget.firstElementChild);
    setOpened(true);
  };
  const hide = () => {
    setOpened(false);
  };
  useEffect(() => {
    if (!opened) return;
    document.addEventListener('pointerdown', hide);
    return () => {
      document.removeEventListener('pointerdown', hide);
    };
  }, [opened]);
  return (
    <>
      <span
        role="presentation"
        style={{ display: 'contents' }}
        // A finger comes and leaves with each tap: what it brings up stays until the next one.
        onPointerEnter={(event) => {
          if (event.pointerType !== 'touch') show(event);
        }}
        onPointerUp={(event) => {
          if (event.pointerType === 'touch') show(event);
        }}
        onPointerLeave={(event) => {
          if (event.pointerType !== 'touch') hide();
        }}
        onFocus={show}
        onBlur={hide}
        onKeyDown={({ key }) => {
          if (key === 'Escape') hide();
        }}
      >
        {children}
      </span>
      {target && (
        <Suspense>
          <HintBubble target={target} opened={opened} label={label} />
        </Suspense>
      )}
    </>
  );
}
