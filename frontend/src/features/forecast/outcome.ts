import type { Prediction } from '@/api/predictions';

/** Predicted change of the close as a share: 0.01 is one per cent up. */
export function predictedChange(prediction: Prediction): number {
  return prediction.predicted_close / prediction.last_close - 1;
}

export interface TrackRecord {
  /** predictions whose target session has closed */
  settled: number;
  /** share of those whose direction came true; null when none said a direction */
  directionHits: number | null;
  /** predictions that said a direction and met a close that moved */
  directions: number;
  /** share of actual closes inside the stated interval; null without intervals */
  coverage: number | null;
  /** the coverage that the intervals promised, on average */
  statedCoverage: number | null;
  /** mean absolute error as a share of the actual close */
  meanError: number | null;
  /** the same of the random walk, which says: as the last close */
  randomWalkError: number | null;
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** How the predictions did, beside a forecast that says nothing ever moves. */
export function trackRecord(predictions: readonly Prediction[]): TrackRecord {
  const settled = predictions.flatMap((item) =>
    item.actual_close == null ? [] : [{ ...item, actual: item.actual_close }],
  );
  const directed = settled.filter((item) => item.predicted_return !== 0 && item.actual !== item.last_close);
  const banded = settled.filter((item) => item.lower != null && item.upper != null);
  return {
    settled: settled.length,
    directions: directed.length,
    directionHits: mean(
      directed.map((item) =>
        Number(Math.sign(item.predicted_return) === Math.sign(item.actual - item.last_close)),
      ),
    ),
    coverage: mean(banded.map((item) => Number(isInside(item, item.actual)))),
    statedCoverage: mean(banded.flatMap((item) => (item.level == null ? [] : [item.level]))),
    meanError: mean(settled.map((item) => Math.abs(item.predicted_close / item.actual - 1))),
    randomWalkError: mean(settled.map((item) => Math.abs(item.last_close / item.actual - 1))),
  };
}

/** Whether a close lies in the prediction's interval; true without one would be a boast, so it is false. */
export function isInside(prediction: Prediction, close: number): boolean {
  return (
    prediction.lower != null &&
    prediction.upper != null &&
    close >= prediction.lower &&
    close <= prediction.upper
  );
}
