/** Panes of indicators that lie over the candles; any other name is a pane of its own below. */
export const OVERLAID: readonly string[] = ['price', 'volume'];
