/**
 * A text of blocks that can be edited where it stands.
 *
 * The text is the list of its blocks' Markdown (`lib/edit-history.js`). The browser edits the block;
 * a block that was touched is written down again, all others stay as they were to the byte. What the
 * page cannot write down without loss is shown as its Markdown while it is edited. Undo is ours: it
 * puts blocks back, so it holds over a reload and over the Markdown view.
 */

import { formatInline } from "../lib/open-block.js";
import { keepLines } from "../lib/kept-lines.js";
import { copyWithPlaces, offsetIn, PLACE, placeCaret } from "./caret.js";
import { drawInline, drawMarker } from "./draw-inline.js";
import { parseForeign, setFinalHtml } from "./final-html.js";
import { isWritable, markdownOf } from "./to-markdown.js";

/** @import {Caret, CitationChange, EditHistory, Patch} from "../lib/edit-history.js" */

/**
 * @typedef {object} Handlers
 * @property {() => void} onInput   something is being changed
 * @property {() => void} onCommit  the text of the history has changed
 * @property {(texts: string[]) => Promise<string[]>} render  final HTML for pieces of Markdown
 *
 * @typedef {{source: string, written: string | null}} Piece  `written`: our way of writing what is shown
 */

const PAUSE_MS = 800;
const MOST_MADE = 400;
const COPIED = "text/x-footnote-markdown";
const MARKER = /(?<![\p{L}\p{N}_])\[([1-9]\d{0,2})\](?!\()/u;

export class RichText {
  #root;
  #history;
  #handlers;
  #life = new AbortController();
  /** @type {WeakMap<Element, Piece>} */
  #pieces = new WeakMap();
  /** @type {Set<Element>} */
  #dirty = new Set();
  /** Blocks as they were shown, by their Markdown. @type {Map<string, HTMLElement>} */
  #made = new Map();
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
    this.#adopt(shown);
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
    return Array.from(this.#root.children).filter(isBlock);
  }

  // --- what the text is -------------------------------------------------------------------------

  /** Write down what was changed. */
  commit() {
    clearTimeout(this.#timer);
    this.#kind = "";
    if (this.#dirty.size === 0) return;
    for (const block of this.#dirty) if (block.isConnected) this.#tidy(/** @type {HTMLElement} */ (block));
    const step = this.#history.commit(this.#collect(), { before: this.#caretBefore, after: this.caret });
    this.#dirty.clear();
    this.#caretBefore = null;
    if (step !== null) this.#handlers.onCommit();
  }

  /** Take a text from elsewhere as one step. @param {string[]} pieces @param {CitationChange} [citations] */
  take(pieces, citations) {
    this.commit();
    const before = this.#history.pieces;
    const step = this.#history.commit(pieces, { before: this.caret, citations });
    if (step === null) return;
    this.#show({ at: step.at, count: before.length - pieces.length + step.after.length, pieces: step.after, caret: null });
    this.#handlers.onCommit();
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
    const block = range && this.#blockOf(range.startContainer);
    if (!range || !block) return null;
    return { piece: this.blocks.indexOf(block), offset: offsetIn(block, range.startContainer, range.startOffset) };
  }

  get #range() {
    const selection = getSelection();
    if (selection === null || selection.rangeCount === 0) return null;
    const range = selection.getRangeAt(0);
    return this.#root.contains(range.commonAncestorContainer) ? range : null;
  }

  /** @param {Node} node @param {number} offset @param {0 | 1} side  which end of a block stands in for a place */
  #position(node, offset, side) {
    const blocks = this.blocks;
    const inside = node === this.#root ? blocks[Math.min(offset - side, blocks.length - 1)] : this.#blockOf(node);
    if (!inside) return null;
    const index = blocks.indexOf(inside);
    const start = this.#history.pieces.slice(0, index).reduce((sum, piece) => sum + piece.length, 0);
    const { source, written } = this.#prepare(inside);
    const { lead, body } = split(source);
    const marked = node === this.#root || written !== body ? -1 : markdownOf(copyWithPlaces(inside, [{ node, offset }])).indexOf(PLACE);
    return start + lead.length + (marked >= 0 ? marked : side * body.length);
  }

  // --- blocks -----------------------------------------------------------------------------------

  /** @param {string[]} shown  the Markdown of the blocks that are on the page */
  #adopt(shown) {
    const present = new Map(this.blocks.map((block, i) => [shown[i], block]));
    const wanted = this.#history.pieces;
    const elements = wanted.map((source) => {
      const block = present.get(source);
      present.delete(source);
      return block ?? this.#make(source);
    });
    if (wanted.length !== shown.length || elements.some((element) => !element.isConnected)) {
      for (const block of this.blocks) block.remove();
      this.#root.prepend(...elements);
    }
    elements.forEach((element, i) => this.#pieces.set(element, { source: wanted[i], written: null }));
    for (const marker of this.#root.querySelectorAll(".citation-marker")) marker.setAttribute("contenteditable", "false");
    this.#fill();
    this.#neverEmpty();
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
    const rendered = await this.#handlers.render(sources).catch(() => null);
    if (rendered === null) return;
    blocks.forEach((block, i) => {
      if (this.#dirty.has(block) || this.#pieces.get(block)?.source !== sources[i]) return;
      const caret = this.#blockOf(getSelection()?.focusNode ?? null) === block ? this.caret : null;
      this.#fillOne(block, rendered[i]);
      if (caret !== null) placeCaret(block, caret.offset);
    });
    this.#root.dispatchEvent(new CustomEvent("blocks-drawn", { bubbles: true }));
  }

  /** @param {HTMLElement} block @param {string} html */
  #fillOne(block, html) {
    delete block.dataset.unrendered;
    setFinalHtml(block, html === "" ? "<p><br></p>" : html);
    for (const marker of block.querySelectorAll(".citation-marker")) marker.setAttribute("contenteditable", "false");
    this.#register(block, this.#pieces.get(block)?.source ?? "");
  }

  /** Learn how a block is written before it is touched. @param {HTMLElement} block @returns {Piece} */
  #prepare(block) {
    const piece = this.#pieces.get(block) ?? { source: "", written: null };
    if (piece.written === null) {
      piece.written = markdownOf(block);
      this.#pieces.set(block, piece);
      this.#keepMade(piece.source, block);
    }
    return piece;
  }

  /** @param {string} source @param {HTMLElement} block */
  #keepMade(source, block) {
    this.#made.delete(source);
    this.#made.set(source, /** @type {HTMLElement} */ (block.cloneNode(true)));
    if (this.#made.size > MOST_MADE) this.#made.delete(/** @type {string} */ (this.#made.keys().next().value));
  }

  /** @returns {string[]} the Markdown of all blocks, those that were touched written anew */
  #collect() {
    const blocks = this.blocks;
    const last = blocks.length - 1;
    /** @type {string[]} */
    const pieces = [];
    blocks.forEach((block, i) => {
      const { source, isNewKind } = this.#written(block, i === last);
      const before = pieces.findLastIndex((piece) => piece !== "");
      if (isNewKind && source !== "" && before >= 0) pieces[before] = parted(pieces[before], source);
      pieces.push(source);
    });
    blocks.forEach((block, i) => {
      const piece = this.#pieces.get(block);
      if (piece?.source !== pieces[i]) this.#pieces.set(block, { source: pieces[i], written: this.#dirty.has(block) ? null : piece?.written ?? null });
      if (this.#dirty.has(block)) this.#keepMade(pieces[i], block);
    });
    return pieces;
  }

  /** @param {HTMLElement} block @param {boolean} isLast @returns {{source: string, isNewKind: boolean}} */
  #written(block, isLast) {
    const known = this.#pieces.get(block);
    if (known !== undefined && !this.#dirty.has(block)) return { source: known.source, isNewKind: false };
    const now = markdownOf(block);
    const { lead, body, end } = split(known?.source ?? "");
    const kept = keepLines(body, known?.written ?? "", now);
    if (kept === "") return { source: "", isNewKind: false };
    const isNewKind = known === undefined || kindOf(known.written ?? "") !== kindOf(now) || end === "";
    const source = lead + kept + end;
    return { source: isNewKind && !isLast ? parted(source) : source, isNewKind };
  }

  // --- input ------------------------------------------------------------------------------------

  /** @param {InputEvent} event */
  #before(event) {
    const type = event.inputType;
    if (type === "historyUndo" || type === "historyRedo") return event.preventDefault();
    const kind = kindOfInput(type);
    if (kind !== this.#kind) this.commit();
    this.#caretBefore ??= this.caret;
    const isHeading = this.#blockOf(getSelection()?.focusNode ?? null)?.querySelector("h1, h2, h3, h4, h5, h6") !== null;
    if (kind === "refused" || (type === "formatBold" && isHeading)) return event.preventDefault();
    const touched = this.#touched(event);
    const lossy = touched.filter((block) => !this.#canWrite(block));
    if (lossy.length > 0) {
      event.preventDefault();
      for (const block of lossy) this.#showSource(block);
      return;
    }
    for (const block of touched) this.#dirty.add(block);
    this.#kind = kind;
  }

  /** @param {InputEvent} event */
  #after(event) {
    const block = this.#blockOf(getSelection()?.focusNode ?? null);
    if (block !== null) this.#dirty.add(block);
    this.#neverEmpty();
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.commit(), PAUSE_MS);
    this.#handlers.onInput();
    if (kindOfInput(event.inputType) === "other") this.commit();
  }

  /** @param {InputEvent} event @returns {HTMLElement[]} the blocks an edit may change */
  #touched(event) {
    const ranges = [...event.getTargetRanges(), ...(this.#range ? [this.#range] : [])];
    return this.blocks.filter((block) => ranges.some((range) => meets(range, block)));
  }

  /** @param {HTMLElement} block */
  #canWrite(block) {
    if (this.#dirty.has(block) || !this.#pieces.has(block)) return true;
    const { source, written } = this.#prepare(block);
    return isWritable(source, written ?? "");
  }

  /** Show the Markdown of a block that has no other way back. @param {HTMLElement} block */
  #showSource(block) {
    const { source } = this.#prepare(block);
    const box = sourceBox(source);
    block.replaceChildren(box);
    this.#pieces.set(block, { source, written: box.textContent ?? "" });
    placeCaret(box, 0);
  }

  /** Take out what editing left behind, and make markers of what was typed as one. @param {HTMLElement} block */
  #tidy(block) {
    block.classList.add("block");
    const caret = this.#blockOf(getSelection()?.focusNode ?? null) === block ? this.caret : null;
    const debris = block.querySelectorAll("span, font, [style]");
    const typed = Array.from(typedMarkers(block));
    if (debris.length + typed.length === 0) return;
    for (const element of debris) {
      if (element.matches("span, font")) element.replaceWith(...element.childNodes);
      else element.removeAttribute("style");
    }
    for (const node of typed) makeMarkers(node);
    if (caret !== null) placeCaret(block, caret.offset);
  }

  #neverEmpty() {
    if (this.blocks.some((block) => block.textContent !== "" || block.querySelector("p, li, h1, h2, h3, pre, hr"))) return;
    for (const block of this.blocks) block.remove();
    const block = Object.assign(document.createElement("div"), { className: "block" });
    const paragraph = document.createElement("p");
    paragraph.append(document.createElement("br"));
    block.append(paragraph);
    this.#root.prepend(block);
    this.#register(block, "");
    if (document.activeElement === this.#root) getSelection()?.collapse(paragraph, 0);
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
    const blocks = this.blocks;
    const elements = pieces.map((source) => this.#make(source));
    const next = blocks[at + count] ?? this.#root.querySelector(":scope > .open-block");
    for (const block of blocks.slice(at, at + count)) block.remove();
    for (const element of elements) this.#root.insertBefore(element, next);
    this.#fill();
    this.#neverEmpty();
    const target = this.blocks[caret?.piece ?? at] ?? this.blocks.at(-1);
    if (target === undefined) return;
    if (caret !== null && document.activeElement === this.#root) placeCaret(target, caret.offset);
    const { top, bottom } = target.getBoundingClientRect();
    if (bottom < 0 || top > innerHeight) target.scrollIntoView({ block: "center" });
  }

  // --- clipboard --------------------------------------------------------------------------------

  /** @param {ClipboardEvent} event @param {{isCut?: boolean}} [options] */
  #copy(event, { isCut = false } = {}) {
    const range = this.#range;
    if (range === null || range.collapsed || event.clipboardData === null) return;
    event.preventDefault();
    const holder = document.createElement("div");
    holder.append(range.cloneContents());
    const text = markdownOf(holder);
    event.clipboardData.setData("text/plain", text);
    event.clipboardData.setData(COPIED, text);
    event.clipboardData.setData("text/html", holder.innerHTML);
    if (isCut) document.execCommand("delete");
  }

  /** @param {ClipboardEvent} event */
  #paste(event) {
    event.preventDefault();
    const text = pastedText(event.clipboardData);
    if (text === "" || this.#range === null) return;
    this.commit();
    if (!this.#range.collapsed) document.execCommand("delete");
    const block = this.#blockOf(this.#range?.startContainer ?? null);
    if (block === null || !this.#canWrite(block)) return;
    this.#caretBefore ??= this.caret;
    this.#prepare(block);
    this.#dirty.add(block);
    const isInline = !/\n\s*\n|^(#{1,6} |[-*+] |\d+[.)] |> |```|\|)/m.test(text);
    if (isInline || block.querySelector("pre, table") !== null) this.#pasteWords(text, block);
    else this.#pasteBlocks(text, block);
    this.#handlers.onInput();
    this.commit();
  }

  /** @param {string} text @param {HTMLElement} block */
  #pasteWords(text, block) {
    if (block.querySelector("pre") !== null) {
      document.execCommand("insertText", false, text);
      return;
    }
    const range = this.#range;
    const nodes = formatInline(text.replace(/\s*\n\s*/g, " ")).map(drawInline);
    for (const node of nodes) if (isMarker(node)) node.setAttribute("contenteditable", "false");
    const last = nodes.at(-1);
    if (range === null || last === undefined) return;
    const fragment = document.createDocumentFragment();
    fragment.append(...nodes);
    range.insertNode(fragment);
    range.setStartAfter(last);
    range.collapse(true);
  }

  /** @param {string} text @param {HTMLElement} block */
  #pasteBlocks(text, block) {
    const range = this.#range;
    const isProse = block.children.length === 1 && block.querySelector(":scope > p") !== null;
    const marked = range && isProse ? markdownOf(copyWithPlaces(block, [{ node: range.startContainer, offset: range.startOffset }])) : markdownOf(block) + PLACE;
    const [before, after] = marked.split(PLACE);
    const pieces = this.#collect();
    const index = this.blocks.indexOf(block);
    const parts = [before.trimEnd(), text.trim(), after.trim()].filter((part) => part !== "");
    this.#dirty.clear();
    this.take(pieces.toSpliced(index, 1, ...parts.map((part) => `${part}\n\n`)));
  }

  /** @param {Node | null} node @returns {HTMLElement | null} */
  #blockOf(node) {
    let at = node;
    while (at !== null && at.parentNode !== this.#root) at = at.parentNode;
    return at instanceof HTMLElement && isBlock(at) ? at : null;
  }
}

/** @param {Element} element @returns {element is HTMLElement} */
function isBlock(element) {
  return !element.classList.contains("open-block");
}

/** @param {Node} node @returns {node is HTMLElement} */
function isMarker(node) {
  return node instanceof HTMLElement && node.classList.contains("citation-marker");
}

/** @param {string} source */
function sourceBox(source) {
  return Object.assign(document.createElement("pre"), { className: "block-source", textContent: split(source).body });
}

/** A block without the blank lines around it. @param {string} source */
function split(source) {
  const lead = /^(?:[ \t]*\n)*/.exec(source)?.[0] ?? "";
  const body = source.slice(lead.length).trimEnd();
  return { lead, body, end: source.slice(lead.length + body.length) };
}

/** Ended so that the next block cannot run into it. @param {string} source @param {string} [next] */
function parted(source, next = "") {
  return /\n[ \t]*\n[ \t]*$/.test(source + split(next).lead) ? source : `${source.trimEnd()}\n\n`;
}

/** What kind of block a text begins as. @param {string} text */
function kindOf(text) {
  const begin = /^(#|[-*+] |\d+[.)] |>|```|~~~|\|)/.exec(text)?.[1] ?? "";
  return `${begin.replace(/\d+/, "1")}${text.includes("\n\n") ? "…" : ""}`;
}

/** @param {string} type */
function kindOfInput(type) {
  if (type.startsWith("insertText") || type.startsWith("insertComposition")) return "typed";
  if (type === "deleteContentBackward" || type === "deleteContentForward") return "deleted";
  const isKnown = /^(insert(Paragraph|LineBreak|FromComposition|ReplacementText|OrderedList|UnorderedList)|delete(?!ByDrag)|format(Bold|Italic|StrikeThrough|Block|Indent|Outdent))/.test(type);
  return isKnown || type === "" ? "other" : "refused";
}

/** @param {AbstractRange} range @param {Node} node */
function meets(range, node) {
  const live = document.createRange();
  live.setStart(range.startContainer, range.startOffset);
  live.setEnd(range.endContainer, range.endOffset);
  return live.intersectsNode(node);
}

/** @param {HTMLElement} block */
function* typedMarkers(block) {
  const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    if (MARKER.test(node.nodeValue ?? "") && node.parentElement?.closest("code, pre, a, button") === null) yield /** @type {Text} */ (node);
  }
}

/** @param {Text} node */
function makeMarkers(node) {
  const match = MARKER.exec(node.data);
  if (match === null) return;
  const typed = node.splitText(match.index);
  const rest = typed.splitText(match[0].length);
  const marker = drawMarker(Number(match[1]));
  marker.setAttribute("contenteditable", "false");
  typed.replaceWith(marker);
  makeMarkers(rest);
}

/** @param {DataTransfer | null} data */
function pastedText(data) {
  const own = data?.getData(COPIED);
  if (own) return own;
  const html = data?.getData("text/html") ?? "";
  const written = html === "" ? "" : markdownOf(parseForeign(html));
  return written !== "" ? written : (data?.getData("text/plain") ?? "").replace(/\r\n?/g, "\n");
}
