/** The words of a question, found again in a passage. */

// Words that nearly every question and every passage has.
const COMMON = new Set(("a about all an and any are as at be by can did do does for from had has have how if in into is it its may me my no not of"
  + " on or our shall should so than that the their them there these they this to was we were what when where which who why will with you your").split(" "));

/**
 * Cut a text into pieces that are words of the question and pieces that are not. Words are split as
 * the language of the text does it; a plural finds its singular.
 * @param {string} text
 * @param {string} question
 * @returns {{text: string, isMatch: boolean}[]}
 */
export function highlight(text, question) {
  const words = new Intl.Segmenter(undefined, { granularity: "word" });
  const wanted = new Set(Array.from(words.segment(question), ({ segment, isWordLike }) => (isWordLike ? stem(segment) : "")));
  for (const common of ["", ...COMMON]) wanted.delete(common);
  /** @type {{text: string, isMatch: boolean}[]} */
  const pieces = [];
  for (const { segment, isWordLike } of words.segment(text)) {
    const isMatch = isWordLike === true && wanted.has(stem(segment));
    const last = pieces.at(-1);
    if (last !== undefined && last.isMatch === isMatch && !isMatch) last.text += segment;
    else pieces.push({ text: segment, isMatch });
  }
  return pieces;
}

/** @param {string} word */
function stem(word) {
  const lower = word.toLowerCase();
  return lower.length > 3 && lower.endsWith("s") && !lower.endsWith("ss") ? lower.slice(0, -1) : lower;
}
