/** What was changed in a draft, kept over a reload: the text as long as it is not saved, and the steps. */

import { KeptValue, forgetAll } from "./kept-value.js";

const PREFIX = "footnote:edits:";
const MOST_DRAFTS = 4;
const MOST_CHARACTERS = 1_000_000;

/** @import {EditHistory} from "./edit-history.js" */
/** @import {Citation} from "./events.js" */

/**
 * @typedef {object} Edits
 * @property {number} version            of the draft on the server the text was made from
 * @property {string} text
 * @property {string} base               what the server has under that version
 * @property {Citation[]} citations      every one that a step may bring back
 * @property {unknown} history
 * @property {number} keptAt
 */

export class KeptEdits {
  #storage;
  #value;
  #key;

  /** @param {Storage | null} storage @param {string} draftId */
  constructor(storage, draftId) {
    this.#storage = storage;
    this.#key = PREFIX + draftId;
    this.#value = new KeptValue(storage, this.#key);
  }

  /** Forget the edits of every draft. @param {Storage | null} storage */
  static clear(storage) {
    forgetAll(storage, PREFIX);
  }

  /** @returns {Edits | null} */
  load() {
    const value = this.#value.load();
    return typeof value?.text === "string" && typeof value.base === "string" && Array.isArray(value.citations) ? value : null;
  }

  /** @param {{version: number, base: string, history: EditHistory, citations: Citation[]}} edits */
  keep({ version, base, history, citations }) {
    this.#makeRoom();
    const steps = history.toJSON(MOST_CHARACTERS);
    this.#value.keep({ version, text: history.text, base, citations, history: steps, keptAt: Date.now() });
  }

  forget() {
    this.#value.forget();
  }

  /** Forget the oldest of the other drafts. */
  #makeRoom() {
    try {
      const storage = this.#storage;
      const keys = Array.from({ length: storage?.length ?? 0 }, (_, i) => storage?.key(i) ?? "");
      const others = keys.filter((key) => key.startsWith(PREFIX) && key !== this.#key);
      const age = (/** @type {string} */ key) => Number(/"keptAt":(\d+)/.exec(storage?.getItem(key)?.slice(-40) ?? "")?.[1] ?? 0);
      const byAge = others.sort((a, b) => age(a) - age(b));
      for (const key of byAge.slice(0, Math.max(0, byAge.length - MOST_DRAFTS))) storage?.removeItem(key);
    } catch {
      // Where nothing can be stored nothing is in the way.
    }
  }
}
