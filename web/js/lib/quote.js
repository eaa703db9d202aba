/** The supporting words of an excerpt. */

/**
 * Cut an excerpt into what stands before, in and after its quote. The positions are code points, as
 * the server counts, which differ from JavaScript's where a character takes two units.
 * @param {string} excerpt
 * @param {number} start
 * @param {number} end
 * @returns {{before: string, quote: string, after: string}}
 */
export function splitQuote(excerpt, start, end) {
  if (end <= start) return { before: excerpt, quote: "", after: "" };
  const characters = Array.from(excerpt);
  const part = (/** @type {number} */ from, /** @type {number | undefined} */ to = undefined) => characters.slice(from, to).join("");
  return { before: part(0, start), quote: part(start, end), after: part(end) };
}
