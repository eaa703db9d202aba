/** Citation markers, `[n]`, in a text of Markdown: neither an index, as in `a[1]`, nor a link's words. */

const MARKER = /(?<![\p{L}\p{N}_])\[([1-9]\d{0,2})\](?!\()/gu;

/** The numbers that stand in a text, each once, in its order. @param {string} text @returns {number[]} */
export function numbersIn(text) {
  return [...new Set(Array.from(text.matchAll(MARKER), (match) => Number(match[1])))];
}

/** @typedef {{at: number, length: number, number: number}} Found  in UTF-16 code units */

/** The first marker in a text. @param {string} text @returns {Found | null} */
export function firstMarker(text) {
  for (const match of text.matchAll(MARKER)) return { at: match.index, length: match[0].length, number: Number(match[1]) };
  return null;
}

/** Take out the markers nobody knows, with the space before the full stop. @param {string} text @param {(number: number) => boolean} isKnown */
export function withoutUnknown(text, isKnown) {
  const left = text.replace(MARKER, (marker, number) => (isKnown(Number(number)) ? marker : ""));
  return left.replace(/ +([.,;:!?])/g, "$1");
}
