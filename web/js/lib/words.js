/**
 * Counting words while they arrive, as the server counts them in the end. A word is a stretch without
 * white space that holds a letter or a number; citation markers are not part of it; Chinese and
 * Japanese characters count one each. Each piece of text is looked at once.
 */

const HAS_WORD = /[\p{L}\p{N}]/u;
const IDEOGRAPH = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/gu;
const MARKER = /\[\d+\]/g;
// A stretch without white space is kept until it ends, but never more of it than this.
const LONGEST_TAIL = 256;

export class WordCounter {
  #settled = 0;
  #tail = "";
  #tailCounted = false;

  /** Words so far, the unfinished one included. */
  get count() {
    return this.#settled + (this.#tailCounted || isWord(this.#tail) ? 1 : 0);
  }

  /** @param {string} text */
  add(text) {
    const pieces = text.replace(IDEOGRAPH, " $& ").split(/\s+/u);
    this.#extend(pieces[0]);
    for (const piece of pieces.slice(1)) {
      this.#settle();
      this.#extend(piece);
    }
  }

  /** @param {string} piece */
  #extend(piece) {
    this.#tail += piece;
    if (this.#tail.length <= LONGEST_TAIL) return;
    this.#tailCounted ||= isWord(this.#tail);
    this.#tail = "";
  }

  #settle() {
    this.#settled = this.count;
    this.#tail = "";
    this.#tailCounted = false;
  }
}

/** @param {string} stretch */
function isWord(stretch) {
  return HAS_WORD.test(stretch.replace(MARKER, ""));
}
