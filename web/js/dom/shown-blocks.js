/**
 * The blocks of a text on the page, and the Markdown each of them stands for.
 *
 * A block that nobody touched stands for the Markdown it came from, to the byte. Before one is edited
 * we learn how we would write it; afterwards only the lines that differ from that are written anew.
 */

import { inOrder, rewrite, split } from "../lib/block-source.js";
import { keepingCaret, placeCaret } from "./caret.js";
import { setFinalHtml } from "./final-html.js";
import { isWritable, markdownOf } from "./to-markdown.js";
import { keepMarkersWhole } from "./typed-markers.js";

/** @import {Piece, Rewritten} from "../lib/block-source.js" */

/** @typedef {(texts: string[]) => Promise<string[]>} Render  final HTML for pieces of Markdown */

const MOST_MADE = 400;

export class ShownBlocks {
  #root;
  #render;
  /** @type {WeakMap<Element, Piece>} */
  #pieces = new WeakMap();
  /** Which block each one followed. @type {WeakMap<Element, Element | undefined>} */
  #before = new WeakMap();
  /** @type {Set<HTMLElement>} */
  #touched = new Set();
  /** Blocks as they were shown, by their Markdown. @type {Map<string, HTMLElement>} */
  #made = new Map();

  /** @param {HTMLElement} root  holds the blocks @param {Render} render */
  constructor(root, render) {
    this.#root = root;
    this.#render = render;
  }

  /** @returns {HTMLElement[]} */
  get all() {
    return Array.from(this.#root.children).filter(isBlock);
  }

  /** The block a place is in. @param {Node | null} node @returns {HTMLElement | null} */
  around(node) {
    let at = node;
    while (at !== null && at.parentNode !== this.#root) at = at.parentNode;
    return at instanceof HTMLElement && isBlock(at) ? at : null;
  }

  /** The blocks that any of the ranges meets. @param {AbstractRange[]} ranges */
  metBy(ranges) {
    return this.all.filter((block) => ranges.some((range) => meets(range, block)));
  }

  // --- blocks for a text ------------------------------------------------------------------------

  /**
   * Take over what is on the page.
   * @param {string[]} shown  the Markdown of the blocks there
   * @param {string[]} wanted
   */
  adopt(shown, wanted) {
    const present = new Map(this.all.map((block, i) => [shown[i], block]));
    const elements = wanted.map((source) => {
      const block = present.get(source);
      present.delete(source);
      return block ?? this.#make(source);
    });
    if (wanted.length !== shown.length || elements.some((element) => !element.isConnected)) {
      for (const block of this.all) block.remove();
      this.#root.prepend(...elements);
    }
    elements.forEach((element, i) => this.#pieces.set(element, { source: wanted[i], written: null }));
    keepMarkersWhole(this.#root);
    this.#fill();
    this.neverEmpty();
    this.#keepOrder();
  }

  /** Show other blocks in the place of some. @param {number} at @param {number} count @param {string[]} sources */
  replace(at, count, sources) {
    const blocks = this.all;
    const elements = sources.map((source) => this.#make(source));
    const next = blocks[at + count] ?? this.#root.querySelector(":scope > .open-block");
    for (const block of blocks.slice(at, at + count)) block.remove();
    for (const element of elements) this.#root.insertBefore(element, next);
    this.#fill();
    this.neverEmpty();
    this.#keepOrder();
  }

  /** There is always a line to type on. */
  neverEmpty() {
    if (this.all.some((block) => block.textContent !== "" || block.querySelector("p, li, h1, h2, h3, pre, hr"))) return;
    for (const block of this.all) block.remove();
    const block = Object.assign(document.createElement("div"), { className: "block" });
    const paragraph = document.createElement("p");
    paragraph.append(document.createElement("br"));
    block.append(paragraph);
    this.#root.prepend(block);
    this.#register(block, "");
    if (document.activeElement === this.#root) getSelection()?.collapse(paragraph, 0);
  }

  /** @param {string} source @returns {HTMLElement} */
  #make(source) {
    const made = this.#made.get(source);
    if (made !== undefined) return this.#register(/** @type {HTMLElement} */ (made.cloneNode(true)), source);
    const block = document.createElement("div");
    block.className = "block";
    block.append(sourceBox(source));
    block.dataset.unrendered = "";
    return this.#register(block, source);
  }

  /** @param {HTMLElement} block @param {string} source */
  #register(block, source) {
    this.#pieces.set(block, { source, written: null });
    return block;
  }

  /** Let the server render what is shown as Markdown for now. */
  async #fill() {
    /** @type {HTMLElement[]} */
    const blocks = Array.from(this.#root.querySelectorAll(":scope > [data-unrendered]"));
    if (blocks.length === 0) return;
    const sources = blocks.map((block) => this.#pieces.get(block)?.source ?? "");
    const rendered = await this.#render(sources).catch(() => null);
    if (rendered === null) return;
    blocks.forEach((block, i) => {
      if (!this.#touched.has(block) && this.#pieces.get(block)?.source === sources[i]) this.#fillOne(block, sources[i], rendered[i]);
    });
    this.#root.dispatchEvent(new CustomEvent("blocks-drawn", { bubbles: true }));
  }

  /** @param {HTMLElement} block @param {string} source @param {string} html */
  #fillOne(block, source, html) {
    keepingCaret(block, () => {
      delete block.dataset.unrendered;
      setFinalHtml(block, html === "" ? "<p><br></p>" : html);
      keepMarkersWhole(block);
    });
    this.#register(block, source);
  }

  // --- what a block stands for ------------------------------------------------------------------

  /** Learn how a block is written before it is touched. @param {HTMLElement} block @returns {Piece} */
  prepare(block) {
    const piece = this.#pieces.get(block) ?? { source: "", written: null };
    if (piece.written === null) {
      piece.written = markdownOf(block);
      this.#pieces.set(block, piece);
      this.#keepMade(piece.source, block);
    }
    return piece;
  }

  /** Whether an edit of it can be written down. @param {HTMLElement} block */
  canWrite(block) {
    if (this.#touched.has(block) || !this.#pieces.has(block)) return true;
    const { source, written } = this.prepare(block);
    return isWritable(source, written ?? "");
  }

  /** Show the Markdown of a block that has no other way back. @param {HTMLElement} block */
  showSource(block) {
    const { source } = this.prepare(block);
    const box = sourceBox(source);
    block.replaceChildren(box);
    this.#pieces.set(block, { source, written: box.textContent ?? "" });
    placeCaret(box, 0);
  }

  /** The block is going to be changed, or was. @param {HTMLElement} block */
  touch(block) {
    this.#touched.add(block);
  }

  /** Those that were touched and are still there. */
  get touched() {
    return Array.from(this.#touched).filter((block) => block.isConnected);
  }

  get hasTouched() {
    return this.#touched.size > 0;
  }

  /** Write down what was touched. @returns {string[]} the Markdown of all blocks */
  collect() {
    const blocks = this.all;
    const pieces = inOrder(blocks.map((block, i) => ({ ...this.#written(block), isMoved: this.#before.get(block) !== blocks[i - 1] })));
    blocks.forEach((block, i) => {
      const piece = this.#pieces.get(block);
      const isTouched = this.#touched.has(block);
      if (piece?.source === pieces[i]) return;
      this.#pieces.set(block, { source: pieces[i], written: isTouched ? null : piece?.written ?? null });
      if (isTouched) this.#keepMade(pieces[i], block);
    });
    this.#touched.clear();
    this.#keepOrder();
    return pieces;
  }

  #keepOrder() {
    this.all.forEach((block, i, blocks) => this.#before.set(block, blocks[i - 1]));
  }

  /** @param {HTMLElement} block @returns {Rewritten} */
  #written(block) {
    const known = this.#pieces.get(block);
    if (known !== undefined && !this.#touched.has(block)) return { source: known.source, isNewKind: false };
    return rewrite(known, markdownOf(block));
  }

  /** @param {string} source @param {HTMLElement} block */
  #keepMade(source, block) {
    this.#made.delete(source);
    this.#made.set(source, /** @type {HTMLElement} */ (block.cloneNode(true)));
    if (this.#made.size > MOST_MADE) this.#made.delete(/** @type {string} */ (this.#made.keys().next().value));
  }
}

/** @param {Element} element @returns {element is HTMLElement} */
function isBlock(element) {
  return !element.classList.contains("open-block");
}

/** @param {string} source */
function sourceBox(source) {
  return Object.assign(document.createElement("pre"), { className: "block-source", textContent: split(source).body });
}

/** @param {AbstractRange} range @param {Node} node */
function meets(range, node) {
  const live = document.createRange();
  live.setStart(range.startContainer, range.startOffset);
  live.setEnd(range.endContainer, range.endOffset);
  return live.intersectsNode(node);
}
