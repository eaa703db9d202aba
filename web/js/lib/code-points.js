/** The server counts code points, JavaScript UTF-16 code units. They differ behind the first emoji. */

const ASTRAL = /[\ud800-\udbff][\udc00-\udfff]/g;

/** @param {string} text @param {number} units */
export function pointsAt(text, units) {
  return units - (text.slice(0, units).match(ASTRAL)?.length ?? 0);
}

/**
 * @param {string} text
 * @returns {(points: number) => number} where so many code points end, in code units
 */
export function unitsOf(text) {
  const ends = Array.from(text.matchAll(ASTRAL), ({ index }, i) => index - i);
  return (points) => points + countBelow(ends, points);
}

/** @param {number[]} ascending @param {number} limit */
function countBelow(ascending, limit) {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
