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
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** Reads the scores out of a version's metrics, whose shape the API leaves open; nearest horizon first. */
export function horizonScores(metrics: Record<string, unknown>): HorizonScore[] {
  const horizons = Array.isArray(metrics.horizons) ? (metrics.horizons as unknown[]) : [];
  return horizons
    .filter((item): item is Record<string, unknown> => typeof item === 'object' && item !== null)
    .flatMap((item) => {
      const horizon = numberOf(item.horizon);
      if (horizon === null) return [];
      return {
        horizon,
        skill: numberOf(item.skill),
        pValue: numberOf(item.dm_p_value),
        beatsRandomWalk: item.beats_random_walk === true,
        directionAccuracy: numberOf(item.direction_accuracy),
        coverage: numberOf(item.coverage),
      };
    })
    .sort((a, b) => a.horizon - b.horizon);
}

/** A skill above this is a reason to look for a leak of the future into the features, not to celebrate. */
export const SUSPICIOUS_SKILL = 0.05;
