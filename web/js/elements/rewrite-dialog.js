import { drawChanges } from "../dom/draw-changes.js";
import { actionOf, setText, slot } from "../dom/find.js";
import { notify, notifyError } from "../dom/messages.js";
import { request } from "../lib/api.js";
import { pointsAt } from "../lib/code-points.js";
import { diffWords } from "../lib/diff.js";

/** @import {Citation} from "../lib/events.js" */
/** @import {DraftEditor} from "./draft-editor.js" */

/** @typedef {{run_id: string, regenerated_text: string, citations: Citation[], changed: boolean, warnings?: string[]}} Suggestion */

/**
 * Asks for another wording of a part of the draft and shows what would change. Nothing changes
 * before it is accepted.
 */
export class RewriteDialog extends HTMLElement {
  /** @type {DraftEditor | null} */
  #editor = null;
  /** What is to be rewritten, in UTF-16 code units of the text. */
  #range = { start: 0, end: 0 };
  /** The text the suggestion is made for. */
  #text = "";
  /** @type {Suggestion | null} */
  #suggestion = null;
  #asking = new AbortController();

  connectedCallback() {
    this.addEventListener("click", (event) => this.#act(event));
    this.querySelector("dialog")?.addEventListener("close", () => this.#asking.abort());
    this.querySelector("form")?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask("instruct");
    });
  }

  /** @param {DraftEditor} editor @param {{start: number, end: number}} range @param {string} title  what is rewritten */
  open(editor, range, title) {
    this.#editor = editor;
    this.#range = range;
    this.#text = editor.text;
    this.#showSuggestion(null);
    setText(slot(this, "title"), title);
    setText(slot(this, "old"), this.#selected);
    this.setAttribute("state", "idle");
    this.#dialog.showModal();
  }

  get #dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
  }

  get #selected() {
    return this.#text.slice(this.#range.start, this.#range.end);
  }

  /** @param {Event} event */
  #act(event) {
    const action = actionOf(event);
    if (action?.name === "rewrite") this.#ask(action.button.dataset.kind ?? "regenerate");
    if (action?.name === "accept") this.#accept();
    if (action?.name === "reject") this.#showSuggestion(null);
    if (action?.name === "close") this.#dialog.close();
  }

  /** @param {string} action */
  async #ask(action) {
    const instructions = /** @type {HTMLInputElement} */ (slot(this, "instructions")).value.trim();
    if (action === "instruct" && instructions === "") return slot(this, "instructions").focus();
    this.#asking.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    this.setAttribute("state", "asking");
    setText(slot(this, "note"), "Looking for another wording…");
    try {
      this.#showSuggestion(await request("POST", `/api/v1/drafts/${this.#editor?.draftId}/regenerate`, { body: this.#body(action, instructions), signal }));
    } catch (error) {
      if (signal.aborted) return;
      this.setAttribute("state", "failed");
      setText(slot(this, "note"), /** @type {Error} */ (error).message);
    }
  }

  /** @param {string} action @param {string} instructions */
  #body(action, instructions) {
    const { start, end } = this.#range;
    return {
      action,
      ...(action === "instruct" ? { instructions } : {}),
      keep_citations: /** @type {HTMLInputElement} */ (slot(this, "keep")).checked,
      selection_start: pointsAt(this.#text, start),
      selection_end: pointsAt(this.#text, end),
      selected_text: this.#selected,
      content: this.#text,
      citations: this.#editor?.citations,
    };
  }

  /** @param {Suggestion | null} suggestion */
  #showSuggestion(suggestion) {
    this.#suggestion = suggestion;
    if (suggestion === null) {
      this.setAttribute("state", "idle");
      setText(slot(this, "note"), "");
      setText(slot(this, "old"), this.#selected);
      return;
    }
    this.setAttribute("state", suggestion.changed ? "suggested" : "same");
    setText(slot(this, "note"), suggestion.changed ? (suggestion.warnings ?? []).join(" ") : "Nothing better was found in the sources.");
    drawChanges(slot(this, "old"), diffWords(this.#selected, suggestion.regenerated_text));
  }

  /** Put the suggestion into the text as it is now, if what it was made for is still there. */
  #accept() {
    const suggestion = this.#suggestion;
    const editor = this.#editor;
    if (suggestion === null || editor === null) return;
    const range = this.#found(editor.text);
    if (range === null) return notifyError(new Error("That part of the text was changed meanwhile. Ask again."));
    editor.replace(range, suggestion.regenerated_text, suggestion.citations);
    this.#dialog.close();
    notify({ message: "The suggestion is in the text.", actionLabel: "Undo", onAction: () => editor.undo() });
  }

  /** @param {string} text */
  #found(text) {
    const { start, end } = this.#range;
    if (text.slice(start, end) === this.#selected) return this.#range;
    const at = text.indexOf(this.#selected);
    return at < 0 || text.indexOf(this.#selected, at + 1) >= 0 ? null : { start: at, end: at + end - start };
  }
}
