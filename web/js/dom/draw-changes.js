/** Draws the difference of two texts, as words that went and words that came. */

/** @import {Change} from "../lib/diff.js" */

const LONGEST_SAME = 240;

/**
 * @param {HTMLElement} element
 * @param {Change[]} changes
 * @param {{isShort?: boolean}} [options] `isShort` leaves out most of what stayed the same
 */
export function drawChanges(element, changes, { isShort = false } = {}) {
  element.classList.add("changes");
  element.replaceChildren(...changes.map((change, i) => {
    const text = isShort && change.kind === "same" ? shortened(change.text, i === 0, i === changes.length - 1) : change.text;
    if (change.kind === "same") return document.createTextNode(text);
    return Object.assign(document.createElement(change.kind === "added" ? "ins" : "del"), { textContent: text });
  }));
}

/** @param {string} text @param {boolean} isFirst @param {boolean} isLast */
function shortened(text, isFirst, isLast) {
  if (text.length <= LONGEST_SAME) return text;
  const head = isFirst ? "" : text.slice(0, LONGEST_SAME / 2);
  const tail = isLast ? "" : text.slice(-LONGEST_SAME / 2);
  return `${head} … ${tail}`;
}
