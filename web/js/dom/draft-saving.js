/**
 * Saves a draft five seconds after its last change, and says how that went.
 *
 * What was changed elsewhere meanwhile is joined; a person is asked only where both changed the same
 * place. The element that holds the draft fires `edit-status` with a sentence and `draft-saved` with
 * the stored draft; it has the attribute `problem` as long as something could not be saved.
 */

import { ApiError } from "../lib/api.js";
import { StoredDraft } from "../lib/stored-draft.js";
import { showWarnings } from "./citation-warnings.js";
import { askWhich } from "./conflict-choice.js";
import { setText, slot } from "./find.js";
import { notify, notifyError } from "./messages.js";

/** @import {Meeting} from "./conflict-choice.js" */
/** @import {Written} from "../lib/stored-draft.js" */

/**
 * @typedef {object} Source
 * @property {() => void} settle    write down what is being typed
 * @property {() => Written} read   what the person has written
 * @property {(draft: any) => void} adopt  take what the server made of the draft
 * @property {() => void} onStored  the server has what was written
 */

const SAVE_AFTER_MS = 5_000;
/** Browsers send no more than 64 KiB for a page that is left. */
const MOST_KEPT_ALIVE = 40_000;

export class DraftSaving {
  stored = new StoredDraft("");
  #host;
  #source;
  #timer = 0;
  #isSaving = false;
  #life = new AbortController();

  /** @param {HTMLElement} host @param {Source} source */
  constructor(host, source) {
    this.#host = host;
    this.#source = source;
  }

  get isChanged() {
    return this.stored.differsFrom(this.#source.read().text);
  }

  /** @param {string} text */
  say(text) {
    this.#host.dispatchEvent(new CustomEvent("edit-status", { bubbles: true, detail: text }));
  }

  soon() {
    this.cancel();
    this.#timer = window.setTimeout(() => this.now({ isAuto: true }), SAVE_AFTER_MS);
  }

  cancel() {
    clearTimeout(this.#timer);
  }

  end() {
    this.cancel();
    this.#life.abort();
  }

  /** @returns {Promise<boolean>} whether all is stored */
  async now({ isAuto = false } = {}) {
    this.#source.settle();
    this.cancel();
    if (this.#isSaving) return false;
    if (!this.isChanged) return this.#tellSaved();
    this.#isSaving = true;
    this.say("Saving…");
    const written = this.#source.read();
    try {
      this.#onSaved(await this.stored.save(written, { isAuto }), written.text);
    } catch (error) {
      await this.#onRefused(error);
    }
    this.#isSaving = false;
    if (this.isChanged && !this.#host.hasAttribute("problem")) this.soon();
    return !this.isChanged;
  }

  /** The page is left: what can be sent without waiting is sent. */
  leave() {
    this.#source.settle();
    const written = this.#source.read();
    if (!this.stored.differsFrom(written.text) || written.text.length > MOST_KEPT_ALIVE) return;
    this.stored.save(written, { isAuto: true, keepalive: true }).catch(() => {});
  }

  /** @param {{remove_unused?: boolean, renumber?: boolean}} wanted */
  async fix(wanted) {
    if (!(await this.now())) return;
    try {
      const before = this.#source.read();
      const draft = await this.stored.fix(wanted);
      // What was typed meanwhile is joined with the mended text.
      if (this.#isAheadOf(before)) return void this.now();
      this.#source.adopt(draft);
      this.#onSaved(draft, this.#source.read().text);
    } catch (error) {
      notifyError(error);
    }
  }

  /** @param {any} draft as the server stored it @param {string} text  what was sent */
  #onSaved(draft, text) {
    this.stored.take({ content: text, citations: draft.citations, version: draft.version });
    this.#host.removeAttribute("problem");
    this.#source.onStored();
    showWarnings(this.#host, draft.warnings ?? []);
    this.#tellSaved();
    this.#host.dispatchEvent(new CustomEvent("draft-saved", { bubbles: true, detail: draft }));
  }

  /** Whether the person went on writing. @param {Written} written */
  #isAheadOf({ text }) {
    this.#source.settle();
    return this.#source.read().text !== text;
  }

  #tellSaved() {
    this.say(`Saved ${new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}`);
    return true;
  }

  /** @param {unknown} error */
  async #onRefused(error) {
    if (error instanceof ApiError && error.code === "VERSION_CONFLICT") return this.#merge();
    this.#fail(error);
  }

  /** @param {unknown} error */
  #fail(error) {
    const { message } = /** @type {Error} */ (error);
    this.say("Not saved yet");
    this.#showProblem(`${message} Your changes are kept in this browser.`);
    window.addEventListener("online", () => this.now({ isAuto: true }), { once: true, signal: this.#life.signal });
  }

  /** @param {string} text */
  #showProblem(text) {
    this.#host.setAttribute("problem", "");
    setText(slot(this.#host, "problem"), text);
  }

  /** @param {"mine" | "theirs"} [prefer]  where both changed the same place @returns {Promise<void>} */
  async #merge(prefer) {
    this.#source.settle();
    const written = this.#source.read();
    try {
      const stored = await this.stored.load();
      // A save on leaving the page may have overtaken the page's reload.
      if (stored.content === written.text.trim()) return this.#onSaved(stored, written.text);
      const merged = await this.stored.merge(written, prefer);
      if (!merged.saved) return void this.#letChoose(merged.conflicts);
      if (this.#isAheadOf(written)) return this.#merge(prefer);
      this.#source.adopt(merged);
      this.#onSaved({ ...merged, ...merged.draft }, this.#source.read().text);
      notify({ message: prefer === undefined ? "This draft was changed elsewhere too. Both changes are in the text now." : "Saved. The other text is kept under Versions and can be undone here." });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param {Meeting[]} conflicts */
  async #letChoose(conflicts) {
    this.say("Changed elsewhere: choose");
    const choice = await askWhich(/** @type {HTMLDialogElement} */ (slot(this.#host, "conflict")), conflicts);
    if (choice !== null) await this.#merge(choice);
    else this.#showProblem("Not saved: this draft was changed elsewhere as well. Your text stays here until you choose.");
  }
}
