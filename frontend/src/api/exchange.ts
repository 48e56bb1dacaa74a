import type { Instrument } from '@/shared/instrument';
import type { components } from './schema';

type Exchange = NonNullable<components['schemas']['PredictRequest']['exchange']>;

/**
 * An instrument as request bodies name it. Its market code may come from the page's address, hence be any text; the
 * API refuses one that it does not know, with a message that lists those it knows.
 */
export function requested({ exchange, ticker }: Instrument): { exchange: Exchange; ticker: string } {
  return { exchange: exchange as Exchange, ticker };
}
