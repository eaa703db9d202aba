/**
 * A text that grows: closed blocks, whose HTML the server made, and one open block.
 *
 * No event costs more because the text is long: text is only ever appended or cut off the front of
 * the open block. Positions are UTF-16 code units of the whole text, as JavaScript counts.
 */

export class GrowingText {
  /** Those that are on the page already come without HTML. @type {{html: string, end: number, char_end?: number}[]} */
  blocks = [];

  /** @type {string[]} */
  #closedText = [];
  #open = "";
  #openStart = 0;
  #length = 0;

  /** The whole text. */
  get text() {
    return this.#closedText.join("") + this.#open;
  }

  /** The Markdown after the last closed block. */
  get openText() {
    return this.#open;
  }

  /** Where the open text begins. */
  get openStart() {
    return this.#openStart;
  }

  get length() {
    return this.#length;
  }

  /** The Markdown of each closed block. @returns {string[]} */
  get pieces() {
    const { text } = this;
    return this.blocks.map(({ end }, i) => text.slice(this.blocks[i - 1]?.end ?? 0, end));
  }

  /** Take a text whose first blocks are on the page already. @param {string} text @param {string} openText @param {number[]} ends  of those blocks */
  adopt(text, openText, ends) {
    this.append(text);
    const closedEnd = text.length - openText.length;
    this.blocks = ends.map((end) => ({ html: "", end }));
    this.#closeUpTo(closedEnd);
  }

  /** @param {string} text */
  append(text) {
    this.#length += text.length;
    this.#open += text;
    const lastEnd = this.blocks.at(-1)?.end ?? 0;
    if (lastEnd > this.#openStart) this.#closeUpTo(lastEnd);
  }

  /**
   * A block may be sent again after a reconnect. It also may come before its text does: then the
   * text that follows belongs to it.
   * @param {{index: number, html: string, end: number, char_end?: number}} block
   */
  closeBlock({ index, html, end, char_end: charEnd }) {
    if (index !== this.blocks.length) return;
    this.blocks.push({ html, end, char_end: charEnd });
    this.#closeUpTo(end);
  }

  /** @param {number} end */
  #closeUpTo(end) {
    const size = Math.min(end, this.#length) - this.#openStart;
    if (size <= 0) return;
    this.#closedText.push(this.#open.slice(0, size));
    this.#open = this.#open.slice(size);
    this.#openStart += size;
  }
}
