/** Waiting between attempts: 1, 2, 4, 8, 16 seconds, then 30, each spread by a quarter either way. */

const CAP_MS = 30_000;

/**
 * @param {number} attempt  from 1
 * @param {number} baseMs   the first wait, as the server's `retry:` line asks
 * @param {number} random   0 to 1
 * @returns {number} milliseconds
 */
export function backoffMs(attempt, baseMs, random) {
  const wait = Math.min(CAP_MS, baseMs * 2 ** (attempt - 1));
  return Math.min(CAP_MS, Math.round(wait * (0.75 + random / 2)));
}
