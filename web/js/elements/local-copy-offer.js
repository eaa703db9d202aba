import { actionOf, setText, slot } from "../dom/find.js";
import { localStorageOrNull } from "../dom/storage.js";
import { copyText, download } from "../dom/take-away.js";
import { LocalCopies } from "../lib/local-copy.js";
import { plural } from "../lib/progress-text.js";

/** @typedef {{title: string, text: string, words: number}} Draft */

/** Keeps a copy of a draft in this browser, and offers it when the server has less or is gone. */
export class LocalCopyOffer extends HTMLElement {
  #copies = new LocalCopies(localStorageOrNull());
  #draftId = "";
  /** @type {() => Draft} */
  #read = () => ({ title: "", text: "", words: 0 });

  connectedCallback() {
    this.addEventListener("click", (event) => this.#act(event));
  }

  /**
   * @param {string} draftId
   * @param {() => Draft} read  the draft as it is on the page; joins its text, so called only when needed
   */
  watch(draftId, read) {
    this.#draftId = draftId;
    this.#read = read;
  }

  /** Write a copy if one is due; `now` writes it in any case. @param {{now?: boolean}} [options] */
  keep({ now = false } = {}) {
    if (now) this.#copies.remove(this.#draftId);
    this.#copies.offer(this.#draftId, this.#read);
  }

  forget() {
    this.#copies.remove(this.#draftId);
    this.hidden = true;
  }

  /** @param {string} text why the reader may want it */
  offer(text) {
    setText(slot(this, "local-copy-text"), text);
    this.hidden = false;
  }

  /** Offer a copy that holds more than the page, as after a restore from a backup. */
  offerIfLonger() {
    const copy = this.#copies.find(this.#draftId);
    if (copy === null || copy.text.length <= this.#read().text.length) return this.forget();
    const time = new Date(copy.savedAt).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    this.offer(`This browser holds a longer copy of this draft: ${plural(copy.words, "word")}, saved ${time}.`);
  }

  /** @param {Event} event */
  #act(event) {
    const name = actionOf(event)?.name;
    if (name === "dismiss-copy") this.hidden = true;
    if (name === "download-copy") download(`${this.#read().title}.md`, this.#longestText(), "text/markdown");
    if (name === "copy-copy") copyText(this.#longestText(), "The text was copied.");
  }

  #longestText() {
    const { text } = this.#read();
    const copy = this.#copies.find(this.#draftId)?.text ?? "";
    return copy.length > text.length ? copy : text;
  }
}
