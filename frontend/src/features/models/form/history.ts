import type { Dataset } from '@/api/datasets';
import type { ModelForm } from './formState';

export interface History {
  first: string;
  last: string;
  sessions: number;
}

const DAY = 86_400_000;

function days(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / DAY;
}

/**
 * The history that a definition trains on, as far as the list of datasets tells: of a panel the longest member's, and
 * of a chosen part as many sessions as its share of the days; null while nothing is chosen.
 */
export function historyOf(form: ModelForm, datasets: readonly Dataset[]): History | null {
  const tickers = form.kind === 'stock' ? [form.ticker] : form.tickers;
  const mine = datasets.filter((item) => item.exchange === form.exchange && tickers.includes(item.ticker));
  const [longest] = mine.sort((a, b) => b.rows - a.rows);
  if (!longest) return null;
  const first = form.start > longest.first_session ? form.start : longest.first_session;
  const last = form.end && form.end < longest.last_session ? form.end : longest.last_session;
  const share = days(first, last) / days(longest.first_session, longest.last_session);
  return { first, last, sessions: Math.max(0, Math.round(longest.rows * share)) };
}
