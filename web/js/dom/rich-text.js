/**
 * A text of blocks that can be edited where it stands.
 *
 * The text is the list of its blocks' Markdown (`lib/edit-history.js`). The browser edits the block;
 * a block that was touched is written down again (`shown-blocks.js`). What the page cannot write down
 * without loss is shown as its Markdown while it is edited. Undo is ours: it puts blocks back, so it
 * holds over a reload and over the Markdown view.
 */

import { holdsBlocks, split, withBlocks } from "../lib/block-source.js";
import { kindOfInput } from "../lib/input-kind.js";
import { toggle } from "./block-format.js";
import { copyWithPlaces, offsetIn, PLACE, placeCaret } from "./caret.js";
import { copiedText, copyRange, insertWords } from "./copied-text.js";
import { ShownBlocks } from "./shown-blocks.js";
import { markdownOf } from "./to-markdown.js";
import { tidy } from "./typed-markers.js";

/** @import {Caret, CitationChange, EditHistory, Patch} from "../lib/edit-history.js" */
/** @import {Format} from "./block-format.js" */
/** @import {Render} from "./shown-blocks.js" */

/**
 * @typedef {object} Handlers
 * @property {() => void} onInput   something is being changed
 * @property {() => void} onCommit  the text of the history has changed
 * @property {Render} render
 */

const PAUSE_MS = 800;

export class RichText {
  #root;
  #history;
  #handlers;
  #shown;
  #life = new AbortController();
  /** @type {Caret | null} */
  #caretBefore = null;
  #kind = "";
  #timer = 0;

  /**
   * @param {HTMLElement} root   holds the blocks; each stands for one of `shown`
   * @param {string[]} shown
   * @param {EditHistory} history
   * @param {Handlers} handlers
   */
  constructor(root, shown, history, handlers) {
    this.#root = root;
    this.#history = history;
    this.#handlers = handlers;
    this.#shown = new ShownBlocks(root, handlers.render);
    this.#shown.adopt(shown, history.pieces);
    const { signal } = this.#life;
    root.addEventListener("beforeinput", (event) => this.#before(event), { signal });
    root.addEventListener("input", (event) => this.#after(/** @type {InputEvent} */ (event)), { signal });
    root.addEventListener("paste", (event) => this.#paste(event), { signal });
    root.addEventListener("copy", (event) => this.#copy(event), { signal });
    root.addEventListener("cut", (event) => this.#copy(event, { isCut: true }), { signal });
    root.addEventListener("drop", (event) => event.preventDefault(), { signal });
    root.addEventListener("focusout", () => this.commit(), { signal });
    document.execCommand("defaultParagraphSeparator", false, "p");
    document.execCommand("styleWithCSS", false, "false");
    root.contentEditable = "true";
  }

  end() {
    this.commit();
    this.#life.abort();
    this.#root.removeAttribute("contenteditable");
  }

  /** @returns {HTMLElement[]} */
  get blocks() {
    return this.#shown.all;
  }

  // --- what the text is -------------------------------------------------------------------------

  /** Write down what was changed. */
  commit() {
    clearTimeout(this.#timer);
    this.#kind = "";
    if (!this.#shown.hasTouched) return;
    for (const block of this.#shown.touched) tidy(block);
    const step = this.#history.commit(this.#shown.collect(), { before: this.#caretBefore, after: this.caret });
    this.#caretBefore = null;
    if (step !== null) this.#handlers.onCommit();
  }

  /**
   * Take a text from elsewhere as one step.
   * @param {string[]} pieces
   * @param {{citations?: CitationChange, caret?: Caret | null}} [detail]  `caret`: where to go on
   */
  take(pieces, { citations, caret = null } = {}) {
    this.commit();
    const step = this.#history.commit(pieces, { before: this.caret, after: caret, citations });
    if (step === null) return;
    this.#show({ at: step.at, count: step.before.length, pieces: step.after, caret });
    this.#handlers.onCommit();
  }

  /** Make what is selected bold or slanted, or take that away. @param {"bold" | "italic"} name */
  emphasise(name) {
    this.#command(name);
    this.commit();
  }

  /** Make the selected blocks headings or lists, or take that away. @param {Format} format */
  format(format) {
    this.commit();
    const range = this.#range;
    if (range === null || !this.#expect([range])) return;
    const blocks = this.#shown.metBy([range]);
    const at = blocks.length === 1 ? (closest(range.startContainer, "*") ?? null) : null;
    for (const block of blocks) toggle(block, format, at);
    this.#handlers.onInput();
    this.commit();
  }

  /** @returns {Patch | null} */
  undo() {
    this.commit();
    return this.#step(this.#history.undo());
  }

  /** @returns {Patch | null} */
  redo() {
    this.commit();
    return this.#step(this.#history.redo());
  }

  /** @param {Patch | null} patch */
  #step(patch) {
    if (patch === null) return null;
    this.#show(patch);
    this.#handlers.onCommit();
    return patch;
  }

  /** @param {Patch} patch */
  #show({ at, count, pieces, caret }) {
    this.#shown.replace(at, count, pieces);
    const target = this.blocks[caret?.piece ?? at] ?? this.blocks.at(-1);
    if (target === undefined) return;
    if (caret !== null && document.activeElement === this.#root) placeCaret(target, caret.offset);
    const { top, bottom } = target.getBoundingClientRect();
    if (bottom < 0 || top > innerHeight) target.scrollIntoView({ block: "center" });
  }

  // --- where the caret is -----------------------------------------------------------------------

  /**
   * What is selected, as a range of the Markdown; whole blocks where it cannot be told more closely.
   * @returns {{start: number, end: number} | null}
   */
  get selection() {
    const range = this.#range;
    if (range === null || range.collapsed) return null;
    this.commit();
    const start = this.#position(range.startContainer, range.startOffset, 0);
    const end = this.#position(range.endContainer, range.endOffset, 1);
    return start === null || end === null || end <= start ? null : { start, end };
  }

  /** @returns {Caret | null} */
  get caret() {
    const range = this.#range;
    const block = range && this.#shown.around(range.startContainer);
    if (!range || !block) return null;
    return { piece: this.blocks.indexOf(block), offset: offsetIn(block, range.startContainer, range.startOffset) };
  }

  get #range() {
    const selection = getSelection();
    if (selection === null || selection.rangeCount === 0) return null;
    const range = selection.getRangeAt(0);
    return this.#root.contains(range.commonAncestorContainer) ? range : null;
  }

  /** The block with the caret. */
  get #current() {
    return this.#shown.around(getSelection()?.focusNode ?? null);
  }

  /** @param {Node} node @param {number} offset @param {0 | 1} side  which end of a block stands in for a place */
  #position(node, offset, side) {
    const blocks = this.blocks;
    const inside = node === this.#root ? blocks[Math.min(offset - side, blocks.length - 1)] : this.#shown.around(node);
    if (!inside) return null;
    const index = blocks.indexOf(inside);
    const start = this.#history.pieces.slice(0, index).reduce((sum, piece) => sum + piece.length, 0);
    const { source, written } = this.#shown.prepare(inside);
    const { lead, body } = split(source);
    const marked = node === this.#root || written !== body ? -1 : markdownOf(copyWithPlaces(inside, [{ node, offset }])).indexOf(PLACE);
    return start + lead.length + (marked >= 0 ? marked : side * body.length);
  }

  // --- input ------------------------------------------------------------------------------------

  /** @param {InputEvent} event */
  #before(event) {
    const type = event.inputType;
    if (type === "historyUndo" || type === "historyRedo") return event.preventDefault();
    if (/^insert(Paragraph|LineBreak)$/.test(type) && this.#leaveCell()) return event.preventDefault();
    const kind = kindOfInput(type);
    if (kind !== this.#kind) this.commit();
    this.#caretBefore ??= this.caret;
    const isHeading = this.#current?.querySelector("h1, h2, h3, h4, h5, h6") !== null;
    if (kind === "refused" || (type === "formatBold" && isHeading)) return event.preventDefault();
    const isExpected = this.#expect([...event.getTargetRanges(), ...(this.#range ? [this.#range] : [])]);
    if (isExpected) this.#kind = kind;
    else event.preventDefault();
  }

  /**
   * What the ranges meet is going to be changed.
   * @param {AbstractRange[]} ranges
   * @returns {boolean} false when a block of it has to be shown as Markdown first
   */
  #expect(ranges) {
    this.#caretBefore ??= this.caret;
    const touched = this.#shown.metBy(ranges);
    const lossy = touched.filter((block) => !this.#shown.canWrite(block));
    for (const block of lossy) this.#shown.showSource(block);
    if (lossy.length > 0) return false;
    for (const block of touched) this.#shown.touch(block);
    return true;
  }

  /** Let the browser change what is selected; of its own commands it tells nobody beforehand. @param {string} name */
  #command(name) {
    this.commit();
    if (this.#range === null || !this.#expect([this.#range])) return false;
    return document.execCommand(name);
  }

  /** A cell of a table is one line: Enter goes to the cell below. */
  #leaveCell() {
    const cell = /** @type {HTMLTableCellElement | undefined} */ (closest(this.#range?.startContainer, "td, th"));
    const table = cell?.closest("table");
    if (cell === undefined || !table) return false;
    const row = /** @type {HTMLTableRowElement} */ (cell.parentElement);
    const below = table.rows[row.rowIndex + 1]?.cells[cell.cellIndex];
    if (below !== undefined) getSelection()?.collapse(below, 0);
    return true;
  }

  /** @param {InputEvent} event */
  #after(event) {
    const block = this.#current;
    if (block !== null) this.#shown.touch(block);
    this.#shown.neverEmpty();
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.commit(), PAUSE_MS);
    this.#handlers.onInput();
    if (kindOfInput(event.inputType) === "other") this.commit();
  }

  // --- clipboard --------------------------------------------------------------------------------

  /** @param {ClipboardEvent} event @param {{isCut?: boolean}} [options] */
  #copy(event, { isCut = false } = {}) {
    const range = this.#range;
    if (range === null || range.collapsed || event.clipboardData === null) return;
    event.preventDefault();
    copyRange(range, event.clipboardData);
    if (!isCut) return;
    this.#command("delete");
    this.commit();
  }

  /** @param {ClipboardEvent} event */
  #paste(event) {
    event.preventDefault();
    const text = copiedText(event.clipboardData);
    if (text === "" || this.#range === null) return;
    if (!this.#range.collapsed && !this.#command("delete")) return;
    const block = this.#shown.around(this.#range?.startContainer ?? null);
    if (block === null || !this.#expect([this.#range])) return;
    if (holdsBlocks(text) && block.querySelector("pre, table") === null) this.#pasteBlocks(text, block);
    else if (block.querySelector("pre") !== null) document.execCommand("insertText", false, text);
    else insertWords(this.#range, text);
    this.#handlers.onInput();
    this.commit();
  }

  /** @param {string} text @param {HTMLElement} block */
  #pasteBlocks(text, block) {
    const range = this.#range;
    const isProse = block.children.length === 1 && block.querySelector(":scope > p") !== null;
    const marked = range && isProse ? markdownOf(copyWithPlaces(block, [{ node: range.startContainer, offset: range.startOffset }])) : markdownOf(block) + PLACE;
    const [before, after] = marked.split(PLACE).map((part) => part.trim());
    const index = this.blocks.indexOf(block);
    const parts = [before, text.trim(), after].filter((part) => part !== "");
    const piece = index + (before === "" ? 0 : 1);
    this.commit();
    this.take(withBlocks(this.#history.pieces, index, parts), { caret: { piece, offset: text.length } });
  }
}

/** @param {Node | undefined} node @param {string} selector @returns {Element | undefined} */
function closest(node, selector) {
  const element = node instanceof Element ? node : node?.parentElement;
  return element?.closest(selector) ?? undefined;
}
