/** What names a traded thing everywhere: market code and ticker. */
export interface Instrument {
  exchange: string;
  ticker: string;
}

/** `US:AAPL`, as events and Kafka keys write it. */
export function instrumentKey({ exchange, ticker }: Instrument): string {
  return `${exchange}:${ticker}`;
}

/** The name under which the registry keeps an instrument's models. */
export function registeredModel({ exchange, ticker }: Instrument): string {
  return `stock-${exchange}-${ticker}`;
}

/** The reverse of {@link instrumentKey}. */
export function instrumentFromKey(key: string): Instrument {
  const [exchange = '', ticker = ''] = key.split(':');
  return { exchange, ticker };
}
