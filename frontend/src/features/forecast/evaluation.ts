/** What walk-forward validation found for one horizon. */
export interface HorizonScore {
  horizon: number;
  /** 1 - MSE / MSE of the random walk; null where the sample does not define it */
  skill: number | null;
  /** of the Diebold-Mariano test against the random walk */
  pValue: number | null;
  beatsRandomWalk: boolean;
  directionAccuracy: number | null;
  coverage: number | null;
  rmse: number | null;
  randomWalkRmse: number | null;
  auc: number | null;
  brier: number | null;
  /** test windows, oldest first */
  folds: readonly FoldScore[];
}

/** One test window: errors on what was trained on far below the others mean overfitting. */
export interface FoldScore {
  first: string;
  last: string;
  trainRmse: number | null;
  rmse: number | null;
  randomWalkRmse: number | null;
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

type Plain = Readonly<Record<string, unknown>>;

function plainItems(value: unknown): Plain[] {
  const items = Array.isArray(value) ? (value as unknown[]) : [];
  return items.filter((item): item is Plain => typeof item === 'object' && item !== null);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function foldScore(item: Plain): FoldScore {
  return {
    first: textOf(item.first),
    last: textOf(item.last),
    trainRmse: numberOf(item.train_rmse),
    rmse: numberOf(item.rmse),
    randomWalkRmse: numberOf(item.random_walk_rmse),
  };
}

/** Reads the scores out of a version's metrics, whose shape the API leaves open; nearest horizon first. */
export function horizonScores(metrics: Plain): HorizonScore[] {
  return plainItems(metrics.horizons)
    .flatMap((item) => {
      const horizon = numberOf(item.horizon);
      if (horizon === null) return [];
      return {
        horizon,
        skill: numberOf(item.skill),
        pValue: numberOf(item.dm_p_value_adjusted) ?? numberOf(item.dm_p_value),
        beatsRandomWalk: item.beats_random_walk === true,
        directionAccuracy: numberOf(item.direction_accuracy),
        coverage: numberOf(item.coverage),
        rmse: numberOf(item.rmse),
        randomWalkRmse: numberOf(item.random_walk_rmse),
        auc: numberOf(item.auc),
        brier: numberOf(item.brier),
        folds: plainItems(item.folds).map(foldScore),
      };
    })
    .sort((a, b) => a.horizon - b.horizon);
}

/** A skill above this is a reason to look for a leak of the future into the features, not to celebrate. */
export const SUSPICIOUS_SKILL = 0.05;
