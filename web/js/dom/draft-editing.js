/**
 * A finished draft in a person's hands: opens the editor on it, and keeps the cards and the marks of
 * support in step with what is changed.
 */

import { request } from "../lib/api.js";

/** @import {DraftState} from "../lib/draft-state.js" */
/** @import {Checked} from "../lib/events.js" */
/** @import {DraftParts} from "./draft-parts.js" */
/** @import {Snapshot} from "./draft-snapshot.js" */
/** @import {DraftSupport} from "./draft-support.js" */

/**
 * @typedef {object} Reactions
 * @property {() => void} onChange  there is something new to show
 * @property {() => void} onSaved
 * @property {(checks: Checked[]) => void} onChecks  the checks of the whole text, as it stands
 * @property {(...args: unknown[]) => void} log
 */

export class DraftEditing {
  #parts;
  #support;
  #reactions;
  #isOpening = false;
  /** What the editor says of itself. */
  status = "";
  /** @type {number | null} */
  savedWords = null;

  /** @param {HTMLElement} root @param {DraftParts} parts @param {DraftSupport} support @param {Reactions} reactions @param {AbortSignal} signal */
  constructor(root, parts, support, reactions, signal) {
    this.#parts = parts;
    this.#support = support;
    this.#reactions = reactions;
    root.addEventListener("edit-status", (event) => this.#say(/** @type {CustomEvent} */ (event).detail), { signal });
    root.addEventListener("draft-edited", () => this.#follow(), { signal });
    root.addEventListener("draft-saved", (event) => this.#count(/** @type {CustomEvent} */ (event).detail), { signal });
  }

  /** Forget what was said of the text before. */
  reset() {
    this.status = "";
    this.savedWords = null;
  }

  /**
   * Let the text be edited where it stands, unless it is already or may not be.
   * @param {Snapshot} snapshot @param {DraftState} state
   */
  async begin(snapshot, state) {
    const { editor } = this.#parts;
    if (!snapshot.mayEdit || editor.isActive || this.#isOpening || state.openText !== "") return;
    this.#isOpening = true;
    try {
      await this.#open(snapshot, state);
    } catch (error) {
      this.#reactions.log("the draft cannot be edited", error);
    }
    this.#isOpening = false;
    this.#support.ask(editor, this.#reactions.onChecks);
    this.#reactions.onChange();
  }

  /** @param {Snapshot} snapshot @param {DraftState} state */
  async #open(snapshot, state) {
    const { draftId } = snapshot;
    // Of a draft that was written on this page, only the server knows the version.
    const isFresh = snapshot.status === "streaming";
    const { version, citations } = isFresh ? await request("GET", `/api/v1/drafts/${draftId}`) : { version: snapshot.version, citations: state.citations };
    this.#parts.text.removeAttribute("aria-busy");
    this.#parts.editor.begin({ draftId, pieces: state.pieces, citations, version });
  }

  /** @param {string} status */
  #say(status) {
    this.status = status;
    this.#reactions.onChange();
  }

  #follow() {
    const { editor, panel } = this.#parts;
    panel.showOnly(editor.citations);
    this.#support.askSoon(editor, this.#reactions.onChecks);
    this.#reactions.onChange();
  }

  /** @param {{word_count: number}} saved */
  #count({ word_count: words }) {
    this.savedWords = words;
    this.#reactions.onSaved();
  }
}
