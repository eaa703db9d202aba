import { drawInline } from "../dom/draw-inline.js";
import { setFinalHtml } from "../dom/final-html.js";
import { OpenBlock } from "../lib/open-block.js";

/** @import {GrowingText} from "../lib/growing-text.js" */
/** @import {Inline, Line} from "../lib/open-block.js" */

/**
 * A text that grows: a draft, an answer. Closed blocks are appended once and never touched again; only the last line
 * of the open block is drawn anew. Fires `citation-chosen` with the number of a clicked marker and
 * `citation-hovered` with {number, marker}, or null when the pointer or the focus leaves.
 */
export class DraftText extends HTMLElement {
  /** @type {HTMLElement[]} */
  #blocks = [];
  #openStart = -1;
  #openBlock = new OpenBlock();
  /** The line that is not finished. @type {{line: Line, element: HTMLElement} | null} */
  #tail = null;
  #cursor = this.#makeCursor();

  connectedCallback() {
    this.#findBlocks();
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
    this.#findBlocks();
    this.#openStart = -1;
  }

  /** Begin anew. */
  clear() {
    for (const block of this.querySelectorAll(":scope > .block")) block.remove();
    this.#open.replaceChildren();
    this.#tail = null;
    this.#blocks = [];
    this.#openStart = -1;
  }

  /** A block by its place in the text, as long as the text was only written, not edited. @param {number} index */
  blockAt(index) {
    return this.#blocks[index];
  }

  /** @param {GrowingText} state @param {{isLive: boolean}} options */
  paint(state, { isLive }) {
    this.#appendBlocks(state);
    this.#drawOpen(state);
    if (!isLive) this.#cursor.remove();
    else if (this.#cursor.parentNode !== this.#open) this.#open.append(this.#cursor);
  }

  /** Whether nothing has been written yet. */
  get isBlank() {
    return this.#blocks.length === 0 && !this.#open.hasChildNodes();
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

  #findBlocks() {
    this.#blocks = Array.from(this.querySelectorAll(":scope > .block"));
  }

  /** The last child; a search by its name would walk through all the text. */
  get #open() {
    return /** @type {HTMLElement} */ (this.lastElementChild);
  }

  /** @param {number} number @returns {HTMLElement[]} */
  #markers(number) {
    return Array.from(this.querySelectorAll(`.citation-marker[data-number="${number}"]`));
  }

  /** @param {GrowingText} state */
  #appendBlocks({ blocks }) {
    while (this.#blocks.length < blocks.length) {
      const block = document.createElement("div");
      block.className = "block";
      setFinalHtml(block, blocks[this.#blocks.length].html);
      this.#open.before(block);
      this.#blocks.push(block);
    }
  }

  /** @param {GrowingText} state */
  #drawOpen({ openStart, openText }) {
    if (openStart !== this.#openStart) {
      this.#openStart = openStart;
      this.#openBlock = new OpenBlock();
      this.#tail = null;
      this.#open.replaceChildren();
    }
    const { settled, tail } = this.#openBlock.read(openText);
    if (settled.length === 0 && this.#growTail(tail)) return;
    this.#tail?.element.remove();
    const before = this.#cursor.parentNode === this.#open ? this.#cursor : null;
    for (const line of settled) this.#open.insertBefore(drawLine(line), before);
    this.#tail = tail === null ? null : { line: tail, element: drawLine(tail) };
    if (this.#tail !== null) this.#open.insertBefore(this.#tail.element, before);
  }

  /**
   * Draw only what came to the last line. Only its end can read differently than before.
   * @param {Line | null} line
   * @returns {boolean} whether that was enough
   */
  #growTail(line) {
    const old = this.#tail;
    if (line === null || old === null || !isSameKind(old.line, line)) return line === null && old === null;
    const { element } = old;
    const [before, now] = [old.line.inlines, line.inlines];
    let same = 0;
    while (same < before.length && isSameInline(before[same], now[same])) same += 1;
    old.line = line;
    const last = element.childNodes[same];
    if (same === before.length - 1 && now.length === before.length && isPlain(before[same]) && isPlain(now[same]) && last instanceof Text) {
      last.data = now[same].text;
      return true;
    }
    while (element.childNodes.length > same) element.lastChild?.remove();
    element.append(...now.slice(same).map(drawInline));
    if (line.kind === "text") element.append(" ");
    return true;
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

/** @param {Line} old @param {Line} line */
function isSameKind(old, line) {
  return old.cells === undefined && line.cells === undefined && old.kind === line.kind && old.level === line.level && old.bullet === line.bullet;
}

/** @param {Inline} a @param {Inline | undefined} b */
function isSameInline(a, b) {
  return b !== undefined && a.text === b.text && a.strong === b.strong && a.em === b.em && a.code === b.code && a.marker === b.marker;
}

/** @param {Inline} inline */
function isPlain({ strong, em, code, marker }) {
  return !strong && !em && !code && marker === undefined;
}

/** @param {Line} line @returns {HTMLElement} */
function drawLine({ kind, level, bullet, inlines, cells }) {
  const line = document.createElement("span");
  line.className = "line";
  line.dataset.kind = kind;
  if (level !== undefined) line.dataset.level = String(level);
  if (bullet !== undefined) line.dataset.bullet = bullet;
  if (cells === undefined) line.append(...inlines.map(drawInline));
  else line.append(...cells.map(drawCell));
  if (kind === "text") line.append(" ");
  return line;
}

/** @param {Inline[]} inlines */
function drawCell(inlines) {
  const cell = document.createElement("span");
  cell.className = "cell";
  cell.append(...inlines.map(drawInline));
  return cell;
}
