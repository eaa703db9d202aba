import { drawCitationCard } from "../dom/citation-card.js";
import { actionOf, setText, slot } from "../dom/find.js";
import { notifyError } from "../dom/messages.js";
import { request } from "../lib/api.js";

/** @import {Citation} from "../lib/events.js" */
/** @import {DraftEditor} from "./draft-editor.js" */

/** @typedef {{number: number, verified: boolean, by?: string | null}} Verification */

/**
 * Walks a reader through the citations: the sentence on one side, its passage on the other, a tick
 * between them. Left and right go on, the space bar ticks.
 */
export class VerifyDialog extends HTMLElement {
  /** @type {Citation[]} */
  #citations = [];
  /** @type {Map<number, Verification>} */
  #state = new Map();
  #at = 0;
  /** @type {HTMLElement | null} */
  #text = null;
  #path = "";

  connectedCallback() {
    this.addEventListener("click", (event) => this.#act(event));
    this.addEventListener("keydown", (event) => this.#press(event));
  }

  /** @param {DraftEditor} editor @param {HTMLElement} text */
  async open(editor, text) {
    this.#text = text;
    this.#citations = editor.citations.toSorted((a, b) => a.number - b.number);
    this.#path = `/api/v1/drafts/${editor.draftId}/verification`;
    try {
      this.#take(await request("GET", this.#path));
    } catch (error) {
      return notifyError(error);
    }
    this.#at = Math.max(0, this.#citations.findIndex(({ number }) => !this.#isVerified(number)));
    this.#show();
    this.#dialog.showModal();
    slot(this, "tick").focus();
  }

  get #dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
  }

  /** @param {{citations: Verification[]}} answer */
  #take({ citations }) {
    this.#state = new Map(citations.map((item) => [item.number, item]));
  }

  /** @param {number} number */
  #isVerified(number) {
    return this.#state.get(number)?.verified ?? false;
  }

  /** @param {Event} event */
  #act(event) {
    const name = actionOf(event)?.name;
    if (name === "close") this.#dialog.close();
    if (name === "previous") this.#step(-1);
    if (name === "next") this.#step(1);
    if (name === "tick") this.#tick();
    if (name === "show-in-text") this.#showInText();
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.#step(step);
  }

  /** @param {number} by */
  #step(by) {
    const count = this.#citations.length;
    if (count === 0) return;
    this.#at = (this.#at + by + count) % count;
    this.#show();
  }

  async #tick() {
    const { number } = this.#citations[this.#at];
    const isVerified = !this.#isVerified(number);
    try {
      this.#take(await request("PUT", this.#path, { body: { numbers: [number], verified: isVerified } }));
    } catch (error) {
      return notifyError(error);
    }
    const next = this.#citations.findIndex((citation) => !this.#isVerified(citation.number));
    if (isVerified && next >= 0) this.#at = this.#citations.findIndex((citation, i) => i > this.#at && !this.#isVerified(citation.number));
    if (this.#at < 0) this.#at = next;
    this.#show();
    this.dispatchEvent(new CustomEvent("verified", { bubbles: true }));
  }

  #showInText() {
    this.#dialog.close();
    this.dispatchEvent(new CustomEvent("sentence-chosen", { bubbles: true, detail: this.#citations[this.#at].number }));
  }

  #show() {
    const count = this.#citations.length;
    const done = this.#citations.filter(({ number }) => this.#isVerified(number)).length;
    setText(slot(this, "place"), count === 0 ? "This draft cites nothing." : `Citation ${this.#at + 1} of ${count} · ${done} verified`);
    /** @type {HTMLProgressElement} */ (slot(this, "progress")).value = count === 0 ? 100 : (100 * done) / count;
    this.toggleAttribute("empty", count === 0);
    const citation = this.#citations[this.#at];
    if (citation === undefined) return;
    const isVerified = this.#isVerified(citation.number);
    this.#showSentence(citation.number);
    slot(this, "passage").replaceChildren(drawCitationCard(this, citation, this.dataset.kbId ?? ""));
    const tick = slot(this, "tick");
    tick.setAttribute("aria-pressed", String(isVerified));
    setText(slot(this, "tick-label"), isVerified ? "Verified" : "Mark as verified");
    setText(slot(this, "by"), isVerified ? `by ${this.#state.get(citation.number)?.by ?? "you"}` : "");
  }

  /** @param {number} number */
  #showSentence(number) {
    const marker = this.#text?.querySelector(`.citation-marker[data-number="${number}"]`);
    const around = marker?.closest("p, li, td, th, blockquote, h1, h2, h3, h4, h5, h6");
    const copy = /** @type {HTMLElement | undefined} */ (around?.cloneNode(true));
    for (const own of copy?.querySelectorAll(".citation-marker") ?? []) {
      const isThis = /** @type {HTMLElement} */ (own).dataset.number === String(number);
      own.replaceWith(Object.assign(document.createElement(isThis ? "mark" : "span"), { textContent: own.textContent }));
    }
    slot(this, "sentence").replaceChildren(...(copy?.childNodes ?? ["This citation is not used in the text."]));
  }
}
