/**
 * Shows which sentences a reader should look at again: a mark in the margin of their block, and a
 * line under the sentence where the browser can draw one without touching the text.
 */

import { isDoubtful } from "../lib/draft-state.js";

/** @import {Checked} from "../lib/events.js" */

const MARKERS = /\[[\d, –-]+\]/g;

export class SupportMarks {
  #highlight = typeof Highlight === "undefined" ? null : new Highlight();
  /** @type {WeakMap<Element, AbstractRange[]>} */
  #ranges = new WeakMap();

  /** @param {AbortSignal} signal */
  constructor(signal) {
    if (this.#highlight === null) return;
    CSS.highlights.set("doubtful", this.#highlight);
    signal.addEventListener("abort", () => CSS.highlights.delete("doubtful"));
  }

  /**
   * Mark a block anew.
   * @param {HTMLElement} block
   * @param {Checked[]} checks      of its sentences
   * @param {string[]} [sentences] their Markdown, to underline them
   */
  mark(block, checks, sentences = []) {
    const doubtful = checks.filter(isDoubtful);
    for (const range of this.#ranges.get(block) ?? []) this.#highlight?.delete(range);
    if (doubtful.length === 0) {
      if (block.dataset.doubtful !== undefined) delete block.dataset.doubtful;
      return;
    }
    block.dataset.doubtful = String(doubtful.length);
    if (sentences.length === 0 || this.#highlight === null) return;
    const ranges = rangesOf(block, sentences.filter((_, i) => isDoubtful(checks[i])));
    for (const range of ranges) this.#highlight.add(range);
    this.#ranges.set(block, ranges);
  }
}

/** @param {HTMLElement} block @param {string[]} sentences  in their order @returns {AbstractRange[]} */
function rangesOf(block, sentences) {
  /** @type {{node: Node, offset: number}[]} */
  const places = [];
  let letters = "";
  const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    if (node.parentElement?.closest(".citation-marker")) continue;
    for (const match of (node.nodeValue ?? "").matchAll(/[\p{L}\p{N}]/gu)) {
      letters += match[0];
      for (let i = 0; i < match[0].length; i += 1) places.push({ node, offset: match.index + i });
    }
  }
  let from = 0;
  return sentences.flatMap((sentence) => {
    const wanted = (sentence.replace(MARKERS, "").match(/[\p{L}\p{N}]+/gu) ?? []).join("");
    const at = wanted === "" ? -1 : letters.indexOf(wanted, from);
    if (at < 0) return [];
    from = at + wanted.length;
    const [start, end] = [places[at], places[from - 1]];
    return [new StaticRange({ startContainer: start.node, startOffset: start.offset, endContainer: end.node, endOffset: end.offset + 1 })];
  });
}
