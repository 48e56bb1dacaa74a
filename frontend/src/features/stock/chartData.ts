import type { PriceBar } from '@/api/datasets';
import type { PredictionEvent } from '@/api/events';
import type { ChartData, ForecastPoint } from '@/shared/charts/priceChart';

type Closes = ReadonlyMap<string, number>;

/**
 * A forecast on the chart's price basis. Charts show adjusted prices, forecasts start from the close as it was traded;
 * a dividend or split since then moved one against the other by a factor that the session of `as_of` tells.
 */
function toPoint(prediction: PredictionEvent, closes: Closes): ForecastPoint {
  const adjusted = closes.get(prediction.as_of);
  const factor = adjusted === undefined ? 1 : adjusted / prediction.last_close;
  return {
    session: prediction.target_session,
    value: prediction.predicted_close * factor,
    lower: prediction.lower == null ? null : prediction.lower * factor,
    upper: prediction.upper == null ? null : prediction.upper * factor,
  };
}

function bySession(a: ForecastPoint, b: ForecastPoint): number {
  return a.session < b.session ? -1 : 1;
}

/** What was forecast for sessions that have closed: the newest forecast of each, of one horizon. */
function pastPoints(
  predictions: readonly PredictionEvent[],
  closes: Closes,
  horizon: number,
): ForecastPoint[] {
  const newest = new Map<string, PredictionEvent>();
  for (const prediction of predictions) {
    if (prediction.horizon !== horizon || !closes.has(prediction.target_session)) continue;
    const held = newest.get(prediction.target_session);
    if (!held || held.made_at < prediction.made_at) newest.set(prediction.target_session, prediction);
  }
  return [...newest.values()].map((prediction) => toPoint(prediction, closes)).sort(bySession);
}

/** Weekdays strictly between two days, at most so many, the nearest first. For places on the axis, not for claims. */
export function weekdaysBetween(first: string, last: string, most: number): string[] {
  const days: string[] = [];
  const day = new Date(`${first}T00:00:00Z`);
  for (;;) {
    day.setUTCDate(day.getUTCDate() + 1);
    const text = day.toISOString().slice(0, 10);
    if (text >= last || days.length >= most) return days;
    if (day.getUTCDay() % 6 !== 0) days.push(text);
  }
}

/** What is shown beyond the last bar: predictions of one origin, nearest first. */
function futurePoints(path: readonly PredictionEvent[], closes: Closes): ForecastPoint[] {
  const start = path[0];
  if (!start) return [];
  const close = closes.get(start.as_of) ?? start.last_close;
  const anchor = { session: start.as_of, value: close, lower: close, upper: close };
  return [anchor, ...path.map((prediction) => toPoint(prediction, closes)).sort(bySession)];
}

/** Sessions before the first one forecast, so that five sessions ahead look like five. */
function blanksOf(path: readonly PredictionEvent[], closes: Closes): string[] {
  const first = path[0];
  if (!first || first.horizon < 2) return [];
  return weekdaysBetween(first.as_of, first.target_session, first.horizon - 1).filter(
    (day) => !closes.has(day),
  );
}

/**
 * Everything on the stock page's chart.
 *
 * @param history predictions in any order
 * @param path a future path to show instead of the newest prediction; empty for none
 */
export function buildChartData(
  bars: readonly PriceBar[],
  history: readonly PredictionEvent[],
  newest: PredictionEvent | null,
  path: readonly PredictionEvent[],
): ChartData {
  const closes: Closes = new Map(bars.map((bar) => [bar.session, bar.close]));
  const open = newest && !closes.has(newest.target_session) ? [newest] : [];
  const ahead = path.length > 0 ? path : open;
  return {
    bars,
    past: pastPoints(history, closes, newest?.horizon ?? 1),
    future: futurePoints(ahead, closes),
    blanks: blanksOf(ahead, closes),
  };
}
