/** Basis points per side that a liquid share costs somebody who is not a professional. */
export const DEFAULT_COST = 5;
/** The slider's end. */
export const MOST_COST = 50;
/** Costs at which the strategy's return is shown side by side. */
export const SWEEP = [0, 2, 5, 10, 15, 20, 30, 40, 50];
