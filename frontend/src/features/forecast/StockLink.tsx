import { Anchor, type AnchorProps } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Instrument } from '@/shared/instrument';

interface StockLinkProps extends AnchorProps {
  instrument: Instrument;
  /** its ticker otherwise */
  children?: ReactNode;
}

/** Leads to a stock's own page. */
export function StockLink({ instrument: { exchange, ticker }, children, ...anchor }: StockLinkProps) {
  return (
    <Anchor
      fw={600}
      fz="sm"
      {...anchor}
      renderRoot={(props) => <Link to="/stock/$exchange/$ticker" params={{ exchange, ticker }} {...props} />}
    >
      {children ?? ticker}
    </Anchor>
  );
}
