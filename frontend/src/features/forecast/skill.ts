import type { Accuracy } from '@/api/accuracy';
import type { Prediction } from '@/api/predictions';

/** What the settled predictions of a model say of it, beside "the price stays where it is". */
export interface SkillVerdict {
  /** `early`: too few to tell */
  kind: 'early' | 'noBetter' | 'ahead';
  /** settled sessions */
  sessions: number;
  /** 1 - MSE / MSE of the random walk; null when no price moved */
  skill: number | null;
}

/** A month of sessions; before that luck decides. */
const ENOUGH = 20;

/** Of the model version that made a prediction; null when none did, or when nothing of it is settled. */
export function skillVerdict(prediction: Prediction, accuracies: readonly Accuracy[]): SkillVerdict | null {
  if (prediction.fallback || prediction.model_type === 'random_walk') return null;
  const found = accuracies.find(
    (item) =>
      item.exchange === prediction.exchange &&
      item.ticker === prediction.ticker &&
      item.model_name === prediction.model_name &&
      item.model_version === (prediction.model_version ?? null) &&
      item.horizon === 1,
  );
  if (!found) return null;
  const { n: sessions, skill } = found;
  if (sessions < ENOUGH || skill === null) return { kind: 'early', sessions, skill };
  return { kind: skill > 0 ? 'ahead' : 'noBetter', sessions, skill };
}
