/** The text box with the draft as Markdown: what is typed there is taken over after a pause. */

const PAUSE_MS = 800;

/**
 * @typedef {object} Handlers
 * @property {() => void} onInput  something is being typed
 * @property {(text: string) => void} onTake  what stands there shall be the text
 */

export class MarkdownSource {
  #area;
  #handlers;
  #timer = 0;

  /** @param {HTMLTextAreaElement} area @param {Handlers} handlers @param {AbortSignal} signal */
  constructor(area, handlers, signal) {
    this.#area = area;
    this.#handlers = handlers;
    area.addEventListener("input", () => this.#typed(), { signal });
    area.addEventListener("blur", () => this.take(), { signal });
  }

  get isShown() {
    return !this.#area.hidden;
  }

  /** What is selected, in UTF-16 code units. @returns {{start: number, end: number} | null} */
  get selection() {
    const { selectionStart: start, selectionEnd: end } = this.#area;
    return start === end ? null : { start, end };
  }

  /** @param {string} text @param {{start: number, end: number}} [changed]  to be selected */
  show(text, changed) {
    this.#area.value = text;
    if (changed !== undefined) this.#area.setSelectionRange(changed.start, changed.end);
  }

  /** The text is another one now; where it is the same, the caret stays. @param {string} text */
  follow(text) {
    if (this.isShown && this.#area.value !== text) this.#area.value = text;
  }

  /** Take over now what stands there. */
  take() {
    clearTimeout(this.#timer);
    if (this.isShown) this.#handlers.onTake(this.#area.value);
  }

  #typed() {
    this.#handlers.onInput();
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.take(), PAUSE_MS);
  }
}
