/**
 * A draft as the server has it, and the ways to change that: save, join with what was changed
 * elsewhere, mend the citations. What the person's text is now is always passed in.
 */

import { request } from "./api.js";

/** @import {Citation} from "./events.js" */

/** @typedef {{text: string, citations: Citation[]}} Written  the text and the citations it uses */

export class StoredDraft {
  version = 0;
  content = "";
  /** @type {Citation[]} */
  citations = [];
  #ask;

  /** @param {string} id @param {typeof request} [ask] */
  constructor(id, ask = request) {
    this.id = id;
    this.#ask = ask;
  }

  /** White space around the text is no difference. @param {string} text */
  differsFrom(text) {
    return text.trim() !== this.content.trim();
  }

  /** Take what the server has told. @param {{content: string, citations: Citation[], version: number}} draft */
  take({ content, citations, version }) {
    this.version = version;
    this.content = content;
    this.citations = citations;
  }

  /**
   * @param {Written} written @param {{isAuto?: boolean, keepalive?: boolean}} [how]
   * @returns {Promise<any>} the draft as it is stored now; refused with VERSION_CONFLICT when it was
   *   changed elsewhere
   */
  save(written, { isAuto = false, keepalive = false } = {}) {
    const body = { ...this.#body(written), version: this.version, ...(isAuto ? { autosave: true } : {}) };
    return this.#ask("PATCH", this.#path, keepalive ? { body, keepalive } : { body });
  }

  /** @returns {Promise<any>} */
  load() {
    return this.#ask("GET", this.#path);
  }

  /**
   * Join a text with what was saved elsewhere.
   * @param {Written} written @param {"mine" | "theirs"} [prefer]  where both changed the same place
   * @returns {Promise<any>}
   */
  merge(written, prefer) {
    const since = { base: this.content, base_citations: this.citations };
    return this.#ask("POST", `${this.#path}/merge`, { body: { ...since, ...this.#body(written), ...(prefer ? { prefer } : {}) } });
  }

  /** Mend the citations of what is stored. @param {{remove_unused?: boolean, renumber?: boolean}} wanted @returns {Promise<any>} */
  fix(wanted) {
    return this.#ask("POST", `${this.#path}/fix`, { body: wanted });
  }

  get #path() {
    return `/api/v1/drafts/${this.id}`;
  }

  /** A citation the server has already goes by its number. @param {Written} written */
  #body({ text, citations }) {
    const stored = new Map(this.citations.map((citation) => [citation.number, citation.chunk_id]));
    const named = citations.map((citation) => (stored.get(citation.number) === citation.chunk_id ? citation.number : citation));
    return { content: text, citations: named };
  }
}
