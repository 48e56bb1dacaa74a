import type { Accuracy } from '@/api/accuracy';
import type { ListedModel } from '@/api/models';
import type { Prediction } from '@/api/predictions';

/** What is known of a model beside "the price stays where it is", one session ahead. */
export interface SkillVerdict {
  /**
   * - `better`: beat it on history beyond chance, and has not fallen behind since
   * - `noBetter`: did not on history, or has not since
   * - `ahead`: is ahead since; what validation said of this version is not known
   * - `early`: too little is settled to tell
   */
  kind: 'better' | 'noBetter' | 'ahead' | 'early';
  /** settled sessions */
  sessions: number;
  /** of the settled sessions: 1 - MSE / MSE of the random walk; null when none is, or no price moved */
  skill: number | null;
  /** the same of the validation on history; null when it is not known */
  validated: number | null;
}

/** A month of sessions; before that luck decides. */
const ENOUGH = 20;

function settledOf(prediction: Prediction, accuracies: readonly Accuracy[]): Accuracy | undefined {
  return accuracies.find(
    (item) =>
      item.exchange === prediction.exchange &&
      item.ticker === prediction.ticker &&
      item.model_name === prediction.model_name &&
      item.model_version === (prediction.model_version ?? null) &&
      item.horizon === 1,
  );
}

function validationOf(prediction: Prediction, models: readonly ListedModel[]): ListedModel['newest'] {
  const made = models.find(
    (model) =>
      model.registered_name === prediction.model_name &&
      String(model.newest?.version) === prediction.model_version,
  );
  return made?.newest ?? null;
}

/** Of the model version that made a prediction; null when none did, or when nothing is known of it. */
export function skillVerdict(
  prediction: Prediction,
  accuracies: readonly Accuracy[],
  models: readonly ListedModel[],
): SkillVerdict | null {
  if (prediction.fallback || prediction.model_type === 'random_walk') return null;
  const settled = settledOf(prediction, accuracies);
  const validation = validationOf(prediction, models);
  const sessions = settled?.n ?? 0;
  const skill = settled?.skill ?? null;
  const told = { sessions, skill, validated: validation?.skill ?? null };
  const enough = sessions >= ENOUGH && skill !== null;
  if (validation) {
    const holds = validation.beats_random_walk.includes(1) && !(enough && skill <= 0);
    return { kind: holds ? 'better' : 'noBetter', ...told };
  }
  if (!settled) return null;
  if (!enough) return { kind: 'early', ...told };
  return { kind: skill > 0 ? 'ahead' : 'noBetter', ...told };
}
