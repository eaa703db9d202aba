/** A growing text with numbered lines; a line can be gone to. */

export class LineList {
  #root;
  /** How much of the text is shown, and of which text. */
  #shown = 0;
  #number = 0;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
  }

  /**
   * Show a text; what was added since the last call is appended.
   * @param {string} text
   * @param {number} number  another number begins another text
   */
  show(text, number) {
    if (number !== this.#number || text.length < this.#shown) this.#root.replaceChildren();
    if (number !== this.#number || text.length < this.#shown) this.#shown = 0;
    this.#number = number;
    if (text.length === this.#shown) return;
    const [first, ...rest] = text.slice(this.#shown).split(/\r\n|\r|\n/);
    this.#last().append(first);
    this.#root.append(...rest.map(drawLine));
    this.#shown = text.length;
  }

  /** @param {number} line from 1 */
  goTo(line) {
    const element = this.#root.children[line - 1];
    if (!(element instanceof HTMLElement)) return;
    this.#root.scrollTo({ top: element.offsetTop - this.#root.clientHeight / 2 });
    element.tabIndex = -1;
    element.focus({ preventScroll: true });
    this.#root.scrollIntoView({ block: "nearest" });
  }

  /** Mark the lines in which something is wrong. @param {number[]} lines */
  mark(lines) {
    const wanted = new Set(lines);
    Array.from(this.#root.children).forEach((element, i) => element.classList.toggle("is-wrong", wanted.has(i + 1)));
  }

  #last() {
    if (this.#root.lastElementChild === null) this.#root.append(drawLine(""));
    return /** @type {Element} */ (this.#root.lastElementChild);
  }
}

/** @param {string} text */
function drawLine(text) {
  return Object.assign(document.createElement("div"), { className: "line-of-text", textContent: text });
}
