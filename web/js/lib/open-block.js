/**
 * Light formatting of the one block that is still being written: enough to read it, no more. The
 * server's HTML takes its place as soon as the block is closed.
 *
 * A line that is finished is formatted once; only the last line is looked at again, and a last line
 * that grows very long is settled in pieces. The result is data, never HTML.
 */

/**
 * @typedef {object} Inline
 * @property {string} text
 * @property {boolean} [strong]
 * @property {boolean} [em]
 * @property {boolean} [code]
 * @property {number} [marker]  the number of a citation
 *
 * @typedef {object} Line
 * @property {"text" | "heading" | "item" | "quote" | "code" | "row" | "rule" | "gap"} kind
 * @property {number} [level]   of a heading from 1, of an item from 0
 * @property {string} [bullet]  "•" or "3."
 * @property {Inline[]} inlines
 * @property {Inline[][]} [cells] of a row
 */

const LONGEST_TAIL = 2_000;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const HEADING = /^ {0,3}(#{1,6})(?:\s+|$)/;
const ITEM = /^(\s*)(?:([-*+])|(\d{1,9})[.)])\s+/;
const QUOTE = /^ {0,3}>\s?/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-*:?\s*)+$/;
const ROW = /^\s*\|/;

export class OpenBlock {
  #settledLength = 0;
  #isFenced = false;
  /** How many cells the rows of the table have. */
  #columns = 0;
  #isBegun = false;

  /**
   * @param {string} text  all of the open block; it only ever grows
   * @returns {{settled: Line[], tail: Line | null}} the lines finished since the last call, and the
   *   one that is not
   */
  read(text) {
    /** @type {Line[]} */
    const settled = [];
    const lines = text.slice(this.#settledLength).split("\n");
    let tail = /** @type {string} */ (lines.pop());
    for (const line of lines) {
      this.#settledLength += line.length + 1;
      this.#settle(line, settled);
    }
    const cut = tail.length > LONGEST_TAIL ? tail.lastIndexOf(" ") + 1 : 0;
    if (cut > 0) {
      this.#settledLength += cut;
      settled.push({ kind: this.#isFenced ? "code" : "text", inlines: this.#inlines(tail.slice(0, cut)) });
      tail = tail.slice(cut);
    }
    return { settled, tail: tail === "" || isHalfMark(tail) ? null : this.#format(tail) };
  }

  /** @param {string} line @param {Line[]} settled */
  #settle(line, settled) {
    const isFence = FENCE.test(line);
    const formatted = this.#format(line) ?? this.#gap(line);
    if (isFence) this.#isFenced = !this.#isFenced;
    if (formatted === null) return;
    this.#isBegun = true;
    this.#columns = Math.max(this.#columns, formatted.cells?.length ?? 0);
    settled.push(formatted);
  }

  /** @param {string} line @returns {Line | null} null for a line that shows nothing */
  #format(line) {
    if (FENCE.test(line)) return null;
    if (this.#isFenced) return { kind: "code", inlines: [{ text: line, code: true }] };
    if (line.trim() === "" || TABLE_RULE.test(line)) return null;
    if (RULE.test(line)) return { kind: "rule", inlines: [] };
    const formatted = formatLine(line);
    // A row that is still being written is as wide as the others.
    while (formatted.cells !== undefined && formatted.cells.length < this.#columns) formatted.cells.push([]);
    return formatted;
  }

  /** An empty line between two things of the block. @param {string} line @returns {Line | null} */
  #gap(line) {
    return this.#isBegun && line.trim() === "" ? { kind: "gap", inlines: [] } : null;
  }

  /** @param {string} text */
  #inlines(text) {
    return this.#isFenced ? [{ text, code: true }] : formatInline(text);
  }
}

/** @param {string} line @returns {Line} */
function formatLine(line) {
  const heading = HEADING.exec(line);
  if (heading !== null) {
    const title = line.slice(heading[0].length).replace(/\s+#+\s*$/, "");
    return { kind: "heading", level: heading[1].length, inlines: formatInline(title) };
  }
  const item = ITEM.exec(line);
  if (item !== null) {
    const bullet = item[3] === undefined ? "•" : `${item[3]}.`;
    const level = Math.min(6, Math.floor(item[1].length / 2));
    return { kind: "item", level, bullet, inlines: formatInline(line.slice(item[0].length)) };
  }
  if (ROW.test(line)) return { kind: "row", inlines: [], cells: cellsOf(line).map(formatInline) };
  const quote = QUOTE.exec(line);
  if (quote !== null) return { kind: "quote", inlines: formatInline(line.slice(quote[0].length)) };
  return { kind: "text", inlines: formatInline(line) };
}

/** @param {string} row */
function cellsOf(row) {
  const inner = row.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

// In order: an escape, code, a link or image, a citation marker, a mark of emphasis.
const INLINE = /\\([\\`*_{}[\]()#+\-.!|>~])|(`+)([^`]+)(?:\2|$)|!?\[([^\]\n]{1,300})\]\([^)\s]{0,2000}\)|(?<![\p{L}\p{N}_])\[([1-9]\d{0,3})\]|(\*\*|__|\*|_)/gu;

/**
 * @param {string} text
 * @returns {Inline[]}
 */
export function formatInline(text) {
  /** @type {Inline[]} */
  const inlines = [];
  const style = { strong: false, em: false };
  let start = 0;
  const put = (/** @type {string} */ piece, /** @type {Partial<Inline>} */ extra = {}) => {
    if (piece !== "") inlines.push({ text: piece, ...(style.strong ? { strong: true } : {}), ...(style.em ? { em: true } : {}), ...extra });
  };
  for (const match of text.matchAll(INLINE)) {
    const [whole, escaped, , code, label, number, mark] = match;
    if (mark !== undefined && !isEmphasis(text, match.index, mark, style)) continue;
    put(text.slice(start, match.index));
    start = match.index + whole.length;
    if (escaped !== undefined) put(escaped);
    else if (code !== undefined) put(code, { code: true });
    else if (label !== undefined) put(label);
    else if (number !== undefined) put(whole, { marker: Number(number) });
    else if (mark.length === 2) style.strong = !style.strong;
    else style.em = !style.em;
  }
  put(text.slice(start));
  return inlines;
}

/**
 * Whether a mark opens or closes emphasis, after the flanking rule of CommonMark in its simplest form.
 * @param {string} text
 * @param {number} at
 * @param {string} mark
 * @param {{strong: boolean, em: boolean}} style
 */
function isEmphasis(text, at, mark, style) {
  const isOpen = mark.length === 2 ? style.strong : style.em;
  const before = text[at - 1] ?? " ";
  const after = text[at + mark.length] ?? " ";
  if (isOpen) return /\S/.test(before) && !(mark[0] === "_" && /\w/.test(after));
  const isAtEnd = at + mark.length === text.length;
  return isAtEnd || (/\S/.test(after) && !(mark[0] === "_" && /\w/.test(before)));
}

/** A line so short that nobody can say yet what it will be. @param {string} line */
function isHalfMark(line) {
  return /^\s*(?:#{1,6}|[-*+]|\d{1,9}[.)]?|\|[\s:|-]*|`{1,2}|~{1,2})\s*$/.test(line);
}
