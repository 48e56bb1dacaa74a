const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/**
 * How long to wait before the next try (ms): doubles from half a second to half a minute, with a random half of it,
 * so that many browsers do not come back in the same instant after a restart.
 */
export function backoff(failures: number, random: () => number = Math.random): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** failures);
  return ceiling / 2 + (ceiling / 2) * random();
}
