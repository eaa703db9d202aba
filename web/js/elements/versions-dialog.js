import { drawChanges } from "../dom/draw-changes.js";
import { actionOf, setText, slot, stamp } from "../dom/find.js";
import { notify, notifyError } from "../dom/messages.js";
import { request } from "../lib/api.js";
import { plural } from "../lib/progress-text.js";

/** @import {Change} from "../lib/diff.js" */
/** @import {DraftEditor} from "./draft-editor.js" */

/** @typedef {{number: number, made_by: string, author: string, name: string, reason: string, word_count: number, citation_count: number, updated_at: string, is_current: boolean}} Version */

/** @type {Record<string, string>} */
const REASONS = { generated: "Written", edited: "Edited", restored: "Restored", merged: "Merged", fixed: "Citations put in order", created: "Created", suggested: "Suggestion taken" };
/** @type {Record<string, Change["kind"]>} */
const KINDS = { equal: "same", insert: "added", delete: "removed" };

/** The checkpoints of a draft: who made each, what has changed since, and the way back. */
export class VersionsDialog extends HTMLElement {
  /** @type {DraftEditor | null} */
  #editor = null;
  #path = "";
  #chosen = 0;

  connectedCallback() {
    this.addEventListener("click", (event) => this.#act(event));
    this.addEventListener("change", (event) => {
      if (event.target instanceof HTMLInputElement && event.target.name === "version") this.#compare(Number(event.target.value));
    });
  }

  /** @param {DraftEditor} editor */
  async open(editor) {
    this.#editor = editor;
    this.#path = `/api/v1/drafts/${editor.draftId}/versions`;
    await editor.save();
    if (await this.#list()) this.#dialog.showModal();
  }

  get #dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
  }

  async #list() {
    try {
      const { versions } = await request("GET", this.#path);
      slot(this, "list").replaceChildren(...versions.map((/** @type {Version} */ version) => this.#row(version)));
      this.toggleAttribute("empty", versions.length === 0);
      const first = versions.find((/** @type {Version} */ version) => !version.is_current) ?? versions[0];
      if (first !== undefined) await this.#compare(first.number);
      return true;
    } catch (error) {
      notifyError(error);
      return false;
    }
  }

  /** @param {Version} version */
  #row(version) {
    const row = stamp(this);
    const radio = /** @type {HTMLInputElement} */ (row.querySelector("input"));
    radio.value = String(version.number);
    const time = new Date(version.updated_at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    setText(slot(row, "title"), version.name || REASONS[version.reason] || "Changed");
    setText(slot(row, "facts"), `${version.made_by === "machine" ? "Machine" : version.author} · ${time} · ${plural(version.word_count, "word")}`);
    const chip = slot(row, "maker");
    setText(chip, version.is_current ? "Now" : version.made_by === "machine" ? "Machine" : "Human");
    chip.dataset.status = version.is_current ? "complete" : version.made_by === "machine" ? "streaming" : "";
    row.dataset.name = version.name;
    row.dataset.current = String(version.is_current);
    return row;
  }

  /** @param {number} number */
  async #compare(number) {
    this.#chosen = number;
    const radio = /** @type {HTMLInputElement | null} */ (this.querySelector(`input[name=version][value="${number}"]`));
    if (radio !== null) radio.checked = true;
    const row = /** @type {HTMLElement | undefined} */ (radio?.closest("li") ?? undefined);
    const isCurrent = row?.dataset.current === "true";
    /** @type {HTMLInputElement} */ (slot(this, "name")).value = row?.dataset.name ?? "";
    /** @type {HTMLButtonElement} */ (slot(this, "restore")).disabled = isCurrent;
    try {
      const { changes, inserted_words: inserted, deleted_words: deleted } = await request("GET", `${this.#path}/${number}/diff`);
      if (this.#chosen !== number) return;
      setText(slot(this, "summary"), inserted + deleted === 0 ? "The same as the text now." : `Since then: ${plural(inserted, "word")} added, ${plural(deleted, "word")} removed.`);
      drawChanges(slot(this, "diff"), changes.map((/** @type {{op: string, text: string}} */ { op, text }) => ({ kind: KINDS[op], text })));
    } catch (error) {
      setText(slot(this, "summary"), /** @type {Error} */ (error).message);
    }
  }

  /** @param {Event} event */
  #act(event) {
    const name = actionOf(event)?.name;
    if (name === "close") this.#dialog.close();
    if (name === "restore") this.#restore();
    if (name === "name-version") this.#name();
  }

  async #restore() {
    try {
      const draft = await request("POST", `${this.#path}/${this.#chosen}/restore`, { body: { version: this.#editor?.version } });
      this.#editor?.adopt(draft);
      this.#dialog.close();
      notify({ message: "That version is the text again. What you had before is a version too.", actionLabel: "Undo", onAction: () => this.#editor?.undo() });
    } catch (error) {
      notifyError(error);
    }
  }

  async #name() {
    const { value } = /** @type {HTMLInputElement} */ (slot(this, "name"));
    try {
      await request("PATCH", `${this.#path}/${this.#chosen}`, { body: { name: value.trim() } });
      const number = this.#chosen;
      await this.#list();
      await this.#compare(number);
    } catch (error) {
      notifyError(error);
    }
  }
}
