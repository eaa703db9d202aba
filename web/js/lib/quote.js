/** The supporting words of an excerpt. */

const LONGEST_BEFORE = 80;
const KEPT_BEFORE = 60;

/**
 * Cut an excerpt into what stands before, in and after its quote. The positions are code points, as
 * the server counts, which differ from JavaScript's where a character takes two units. What stands
 * far before the quote is the `lead`, which a card leaves out until it is opened.
 * @param {string} excerpt
 * @param {number} start
 * @param {number} end
 * @returns {{lead: string, before: string, quote: string, after: string}}
 */
export function splitQuote(excerpt, start, end) {
  if (end <= start) return { lead: "", before: excerpt, quote: "", after: "" };
  const characters = Array.from(excerpt);
  const cut = leadLength(characters.slice(0, start));
  return {
    lead: characters.slice(0, cut).join(""),
    before: characters.slice(cut, start).join(""),
    quote: characters.slice(start, end).join(""),
    after: characters.slice(end).join(""),
  };
}

/** Up to a space. @param {string[]} before */
function leadLength(before) {
  if (before.length <= LONGEST_BEFORE) return 0;
  return before.slice(0, before.length - KEPT_BEFORE).lastIndexOf(" ") + 1;
}

/**
 * Find the sentence of an excerpt that shares most words with a statement, in code points as above;
 * nothing when none has half of its words.
 * @param {string} excerpt
 * @param {string} statement
 * @returns {{start: number, end: number}}
 */
export function quoteFor(excerpt, statement) {
  const wanted = wordsOf(statement);
  const sentences = new Intl.Segmenter(undefined, { granularity: "sentence" });
  let best = { shared: wanted.size / 2, from: 0, text: "" };
  for (const { segment, index } of sentences.segment(excerpt)) {
    const shared = Array.from(wordsOf(segment)).filter((word) => wanted.has(word)).length;
    if (shared > best.shared) best = { shared, from: index, text: segment.trimEnd() };
  }
  const start = Array.from(excerpt.slice(0, best.from)).length;
  return { start, end: start + Array.from(best.text).length };
}

/** The sentence that a text ends with. @param {string} text @returns {string} */
export function lastSentence(text) {
  const sentences = new Intl.Segmenter(undefined, { granularity: "sentence" });
  return Array.from(sentences.segment(text.trimEnd()), ({ segment }) => segment).at(-1) ?? "";
}

/** @param {string} text @returns {Set<string>} */
function wordsOf(text) {
  return new Set(text.toLowerCase().match(/[\p{L}\p{N}][\p{L}\p{M}\p{N}]*/gu) ?? []);
}
