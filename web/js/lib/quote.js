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
