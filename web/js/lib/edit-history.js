/**
 * A text as a list of pieces, and the steps it was changed by. Joined, the pieces are the text, so
 * what nobody touched stays as it was to the byte. A step says which pieces took the place of which.
 */

import { commonEnd, commonStart } from "./diff.js";

/** @import {Citation} from "./events.js" */

/**
 * @typedef {{piece: number, offset: number}} Caret  an offset in the characters that piece shows
 * @typedef {{before: Citation[], after: Citation[]}} CitationChange  for a step that renumbers them
 * @typedef {object} Step
 * @property {number} at
 * @property {string[]} before
 * @property {string[]} after
 * @property {Caret | null} caretBefore
 * @property {Caret | null} caretAfter
 * @property {CitationChange} [citations]
 *
 * @typedef {{at: number, count: number, pieces: string[], caret: Caret | null, citations?: Citation[]}} Patch
 */

const MOST_STEPS = 50;

export class EditHistory {
  /** @type {string[]} */
  pieces;
  /** @type {Step[]} */
  #done = [];
  /** @type {Step[]} */
  #undone = [];

  /** @param {string[]} pieces */
  constructor(pieces) {
    this.pieces = pieces;
  }

  get text() {
    return this.pieces.join("");
  }

  get canUndo() {
    return this.#done.length > 0;
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  /**
   * Take the text as it is now.
   * @param {string[]} next
   * @param {{before?: Caret | null, after?: Caret | null, citations?: CitationChange}} [detail]
   * @returns {Step | null} null when nothing changed
   */
  commit(next, { before = null, after = null, citations } = {}) {
    const at = commonStart(this.pieces, next);
    const end = commonEnd(this.pieces, next, at);
    const step = {
      at,
      before: this.pieces.slice(at, this.pieces.length - end),
      after: next.slice(at, next.length - end),
      caretBefore: before,
      caretAfter: after,
      ...(citations === undefined ? {} : { citations }),
    };
    if (step.before.length === 0 && step.after.length === 0 && citations === undefined) return null;
    this.pieces = next;
    this.#done = [...this.#done, step].slice(-MOST_STEPS);
    this.#undone = [];
    return step;
  }

  /** @returns {Patch | null} what to show instead of what */
  undo() {
    const step = this.#done.pop();
    if (step === undefined) return null;
    this.#undone.push(step);
    const { at, before, after, caretBefore, citations } = step;
    return this.#apply({ at, count: after.length, pieces: before, caret: caretBefore, citations: citations?.before });
  }

  /** @returns {Patch | null} */
  redo() {
    const step = this.#undone.pop();
    if (step === undefined) return null;
    this.#done.push(step);
    const { at, before, after, caretAfter, citations } = step;
    return this.#apply({ at, count: before.length, pieces: after, caret: caretAfter, citations: citations?.after });
  }

  /** The steps, to be kept over a reload. `most` is in characters; the oldest are left out first. @param {number} most */
  toJSON(most = Infinity) {
    const done = [...this.#done];
    while (done.length > 0 && JSON.stringify(done).length > most) done.shift();
    return { pieces: this.pieces.map((piece) => piece.length), done, undone: this.#undone };
  }

  /**
   * Take up the steps that were kept, if they led to this very text.
   * @param {any} kept @param {string} text
   * @returns {EditHistory | null}
   */
  static revive(kept, text) {
    if (!Array.isArray(kept?.pieces) || !Array.isArray(kept.done) || !Array.isArray(kept.undone)) return null;
    const pieces = cut(text, kept.pieces);
    if (pieces === null) return null;
    const history = new EditHistory(pieces);
    history.#done = kept.done;
    history.#undone = kept.undone;
    return history;
  }

  /** @param {Patch} patch */
  #apply(patch) {
    this.pieces = this.pieces.toSpliced(patch.at, patch.count, ...patch.pieces);
    return patch;
  }
}

/** @param {string} text @param {number[]} lengths @returns {string[] | null} */
export function cut(text, lengths) {
  let at = 0;
  const pieces = lengths.map((length) => text.slice(at, (at += length)));
  return at === text.length ? pieces : null;
}

/**
 * Cut a text that was edited as a whole: pieces that are as before stay, the rest is one piece.
 * @param {string[]} pieces @param {string} text
 * @returns {string[]}
 */
export function recut(pieces, text) {
  let start = 0;
  let from = 0;
  while (start < pieces.length && text.startsWith(pieces[start], from) && text.length > from) from += pieces[start++].length;
  let end = pieces.length;
  let to = text.length;
  while (end > start && to - pieces[end - 1].length >= from && text.endsWith(pieces[end - 1], to)) to -= pieces[--end].length;
  const middle = text.slice(from, to);
  return [...pieces.slice(0, start), ...(middle === "" ? [] : [middle]), ...pieces.slice(end)];
}
