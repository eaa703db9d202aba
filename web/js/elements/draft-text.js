import { drawInline } from "../dom/draw-inline.js";
import { setFinalHtml } from "../dom/final-html.js";
import { slot } from "../dom/find.js";
import { OpenBlock } from "../lib/open-block.js";

/** @import {GrowingText} from "../lib/growing-text.js" */
/** @import {Inline, Line} from "../lib/open-block.js" */

/**
 * A text that grows: a draft, an answer. Closed blocks are appended once and never touched again; only the last line
 * of the open block is drawn anew. Fires `citation-chosen` with the number of a clicked marker and
 * `citation-hovered` with {number, marker}, or null when the pointer or the focus leaves.
 */
export class DraftText extends HTMLElement {
  #paintedBlocks = 0;
  #openStart = -1;
  #openBlock = new OpenBlock();
  /** @type {Node[]} the nodes of the line that is not finished */
  #tail = [];
  #cursor = this.#makeCursor();

  connectedCallback() {
    this.#paintedBlocks = this.querySelectorAll(":scope > .block").length;
    this.addEventListener("click", (event) => this.#choose(event));
    for (const kind of ["pointerover", "focusin"]) this.addEventListener(kind, (event) => this.#hover(event));
    for (const kind of ["pointerleave", "focusout"]) this.addEventListener(kind, () => this.#fire("citation-hovered", null));
  }

  /**
   * Take the content of another draft-text, fresh from the server.
   * @param {Element} fresh
   */
  adopt(fresh) {
    this.replaceChildren(...fresh.childNodes);
    this.#paintedBlocks = this.querySelectorAll(":scope > .block").length;
    this.#openStart = -1;
  }

  /** Begin anew. */
  clear() {
    for (const block of this.querySelectorAll(":scope > .block")) block.remove();
    this.#open.replaceChildren();
    this.#paintedBlocks = 0;
    this.#openStart = -1;
  }

  /** @param {GrowingText} state @param {{isLive: boolean}} options */
  paint(state, { isLive }) {
    this.#appendBlocks(state);
    this.#drawOpen(state);
    if (isLive) this.#open.append(this.#cursor);
    else this.#cursor.remove();
  }

  /** Whether nothing has been written yet. */
  get isBlank() {
    return this.#paintedBlocks === 0 && !this.#open.hasChildNodes();
  }

  /** @param {number} number @param {boolean} isLit */
  light(number, isLit) {
    for (const marker of this.#markers(number)) marker.classList.toggle("is-lit", isLit);
  }

  /** @param {number} number @returns {boolean} whether there is such a marker */
  goToMarker(number) {
    const [marker] = this.#markers(number);
    if (marker === undefined) return false;
    marker.scrollIntoView({ block: "center" });
    marker.focus({ preventScroll: true });
    const sentence = marker.closest("li, td, p, blockquote") ?? marker;
    sentence.classList.remove("is-flashed");
    void (/** @type {HTMLElement} */ (sentence).offsetWidth);
    sentence.classList.add("is-flashed");
    return true;
  }

  /** @param {string} title */
  goToHeading(title) {
    const headings = this.querySelectorAll("h1, h2, h3, .line[data-kind=heading]");
    const heading = Array.from(headings).find((element) => element.textContent?.trim() === title);
    heading?.scrollIntoView({ block: "start" });
    return heading !== undefined;
  }

  get #open() {
    return slot(this, "open");
  }

  /** @param {number} number @returns {HTMLElement[]} */
  #markers(number) {
    return Array.from(this.querySelectorAll(`.citation-marker[data-number="${number}"]`));
  }

  /** @param {GrowingText} state */
  #appendBlocks({ blocks }) {
    for (; this.#paintedBlocks < blocks.length; this.#paintedBlocks += 1) {
      const block = document.createElement("div");
      block.className = "block";
      setFinalHtml(block, blocks[this.#paintedBlocks].html);
      this.#open.before(block);
    }
  }

  /** @param {GrowingText} state */
  #drawOpen({ openStart, openText }) {
    if (openStart !== this.#openStart) {
      this.#openStart = openStart;
      this.#openBlock = new OpenBlock();
      this.#tail = [];
      this.#open.replaceChildren();
    }
    const { settled, tail } = this.#openBlock.read(openText);
    for (const node of this.#tail) /** @type {ChildNode} */ (node).remove();
    this.#cursor.remove();
    this.#open.append(...settled.flatMap(drawLine));
    this.#tail = tail === null ? [] : drawLine(tail);
    this.#open.append(...this.#tail);
  }

  #makeCursor() {
    const cursor = document.createElement("span");
    cursor.className = "streaming-cursor";
    cursor.dataset.testid = "streaming-cursor";
    cursor.setAttribute("aria-hidden", "true");
    return cursor;
  }

  /** @param {Event} event */
  #choose(event) {
    const marker = markerOf(event);
    if (marker !== null) this.#fire("citation-chosen", Number(marker.dataset.number));
  }

  /** @param {Event} event */
  #hover(event) {
    const marker = markerOf(event);
    this.#fire("citation-hovered", marker && { number: Number(marker.dataset.number), marker });
  }

  /** @param {string} name @param {unknown} detail */
  #fire(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }
}

/** @param {Event} event @returns {HTMLElement | null} */
function markerOf(event) {
  return event.target instanceof Element ? event.target.closest(".citation-marker") : null;
}

/** @param {Line} line @returns {HTMLElement[]} */
function drawLine({ kind, level, bullet, inlines, cells }) {
  const line = document.createElement("span");
  line.className = "line";
  line.dataset.kind = kind;
  if (level !== undefined) line.dataset.level = String(level);
  if (bullet !== undefined) line.dataset.bullet = bullet;
  if (cells === undefined) line.append(...inlines.map(drawInline));
  else line.append(...cells.map(drawCell));
  if (kind === "text") line.append(" ");
  return [line];
}

/** @param {Inline[]} inlines */
function drawCell(inlines) {
  const cell = document.createElement("span");
  cell.className = "cell";
  cell.append(...inlines.map(drawInline));
  return cell;
}
