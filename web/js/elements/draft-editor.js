import { DraftSaving } from "../dom/draft-saving.js";
import { actionOf, slot } from "../dom/find.js";
import { MarkdownSource } from "../dom/markdown-source.js";
import { RichText } from "../dom/rich-text.js";
import { localStorageOrNull } from "../dom/storage.js";
import { request } from "../lib/api.js";
import { numbersIn, withoutUnknown } from "../lib/citation-markers.js";
import { sectionAt } from "../lib/draft-section.js";
import { EditHistory, recut } from "../lib/edit-history.js";
import { KeptEdits } from "../lib/kept-edits.js";
import { StoredDraft } from "../lib/stored-draft.js";

/** @import {Citation} from "../lib/events.js" */
/** @import {CitationChange, Patch} from "../lib/edit-history.js" */

/**
 * @typedef {object} Editable
 * @property {string} draftId
 * @property {string[]} pieces   the Markdown of the blocks that are shown
 * @property {Citation[]} citations
 * @property {number} version
 */

/**
 * A draft in a person's hands: the text as it reads, or its Markdown; saved five seconds after the
 * last change. Fires `draft-edited` when the text has changed, `draft-saved` with the stored draft,
 * and `edit-status` with a sentence. The attribute `view` is `rich` or `markdown`.
 */
export class DraftEditor extends HTMLElement {
  /** @type {RichText | null} */
  #rich = null;
  /** @type {MarkdownSource | null} */
  #source = null;
  #history = new EditHistory([]);
  #kept = new KeptEdits(null, "");
  #saving = new DraftSaving(this, {
    settle: () => this.#settle(),
    read: () => ({ text: this.text, citations: this.citations }),
    adopt: (draft) => this.adopt(draft),
    onStored: () => this.#keep(),
  });
  /** Every citation a marker may stand for. @type {Map<number, Citation>} */
  #known = new Map();
  #life = new AbortController();

  connectedCallback() {
    const { signal } = this.#life;
    this.addEventListener("click", (event) => this.#act(event), { signal });
    this.addEventListener("keydown", (event) => this.#press(event), { signal });
    const area = /** @type {HTMLTextAreaElement} */ (slot(this, "source"));
    this.#source = new MarkdownSource(area, { onInput: () => this.#typed(), onTake: (text) => this.#takeTyped(text) }, signal);
    window.addEventListener("pagehide", () => this.isActive && this.#saving.leave(), { signal });
  }

  disconnectedCallback() {
    this.end();
    this.#saving.end();
    this.#life.abort();
  }

  get isActive() {
    return this.#rich !== null;
  }

  get draftId() {
    return this.#saving.stored.id;
  }

  get text() {
    return this.#history.text;
  }

  /** The citations that the text uses. @returns {Citation[]} */
  get citations() {
    return numbersIn(this.text).flatMap((number) => this.#known.get(number) ?? []);
  }

  get version() {
    return this.#saving.stored.version;
  }

  /** The blocks on the page with their Markdown. @returns {{block: HTMLElement, source: string}[]} */
  get parts() {
    return (this.#rich?.blocks ?? []).map((block, i) => ({ block, source: this.#history.pieces[i] ?? "" }));
  }

  /** What is selected, in UTF-16 code units of the text. @returns {{start: number, end: number} | null} */
  get selection() {
    return (this.#view === "rich" ? this.#rich?.selection : this.#source?.selection) ?? null;
  }

  /** @param {Editable} draft */
  begin({ draftId, pieces, citations, version }) {
    this.end();
    const text = pieces.join("");
    this.#saving.stored = new StoredDraft(draftId);
    this.#saving.stored.take({ content: text, citations, version });
    this.#know(citations);
    this.#kept = new KeptEdits(localStorageOrNull(), draftId);
    this.#history = this.#revive(text) ?? new EditHistory(pieces);
    this.#rich = new RichText(this.#page, pieces, this.#history, {
      onInput: () => this.#saving.say("Changed"),
      onCommit: () => this.#onChange(),
      render: async (texts) => (await request("POST", "/api/v1/markdown", { body: { texts } })).html,
    });
    this.hidden = false;
    this.setAttribute("editing", "");
    this.#showButtons();
    if (this.#saving.isChanged) this.#onChange();
  }

  end() {
    if (this.#rich === null) return;
    this.#source?.take();
    this.#rich.end();
    this.#rich = null;
    this.#saving.cancel();
    this.removeAttribute("editing");
  }

  /**
   * Put another text in the place of a range, as one step that can be undone.
   * @param {{start: number, end: number}} range @param {string} text @param {Citation[]} citations
   */
  replace({ start, end }, text, citations) {
    for (const citation of citations) this.#known.set(citation.number, citation);
    const { text: all } = this.#history;
    this.#take(all.slice(0, start) + text + all.slice(end));
  }

  /** Take what the server made of the draft. @param {{content: string, citations: Citation[], version: number}} draft */
  adopt(draft) {
    const before = this.citations;
    this.#know(draft.citations);
    this.#saving.stored.take(draft);
    this.#take(draft.content, { before, after: draft.citations });
    this.#keep();
  }

  /** Take the last step back. */
  undo() {
    this.#source?.take();
    this.#afterStep(this.#rich?.undo() ?? null);
  }

  /** The section the caret is in, without its heading. @returns {{start: number, end: number, title: string} | null} */
  get section() {
    return sectionAt(this.#history.pieces, this.#rich?.caret?.piece ?? 0);
  }

  /** Save now. @returns {Promise<boolean>} whether all is stored */
  save() {
    return this.#saving.now();
  }

  // --- parts ------------------------------------------------------------------------------------

  get #page() {
    return /** @type {HTMLElement} */ (this.querySelector("draft-text"));
  }

  get #view() {
    return this.getAttribute("view") ?? "rich";
  }

  // --- what is asked for ------------------------------------------------------------------------

  /** @param {Event} event */
  #act(event) {
    /** @type {Record<string, () => unknown>} */
    const actions = {
      "undo": () => this.undo(),
      "redo": () => this.#redo(),
      "bold": () => this.#onPage((text) => text.emphasise("bold")),
      "italic": () => this.#onPage((text) => text.emphasise("italic")),
      "heading": () => this.#onPage((text) => text.format("heading")),
      "list": () => this.#onPage((text) => text.format("list")),
      "show-rich": () => this.#showView("rich"),
      "show-markdown": () => this.#showView("markdown"),
      "save": () => this.save(),
      "remove-unused": () => this.#saving.fix({ remove_unused: true }),
      "renumber": () => this.#saving.fix({ renumber: true }),
      "remove-unknown": () => this.#removeUnknown(),
    };
    const action = actionOf(event);
    if (action !== null && Object.hasOwn(actions, action.name)) actions[action.name]();
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (!this.isActive || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase();
    /** @type {Record<string, () => unknown>} */
    const keys = { s: () => this.save(), z: () => (event.shiftKey ? this.#redo() : this.undo()), y: () => this.#redo() };
    if (!Object.hasOwn(keys, key)) return;
    event.preventDefault();
    keys[key]();
  }

  /** @param {(text: RichText) => void} change */
  #onPage(change) {
    this.#page.focus();
    if (this.#rich !== null) change(this.#rich);
  }

  #redo() {
    this.#afterStep(this.#rich?.redo() ?? null);
  }

  /** @param {Patch | null} patch */
  #afterStep(patch) {
    if (patch === null) return;
    if (patch.citations !== undefined) this.#know(patch.citations);
    if (this.#view === "markdown") this.#source?.show(this.text, this.#placeOf(patch));
    this.#onChange();
  }

  // --- the two views ----------------------------------------------------------------------------

  /** @param {"rich" | "markdown"} view */
  #showView(view) {
    if (view === this.#view) return;
    this.#settle();
    this.setAttribute("view", view);
    for (const name of ["rich", "markdown"]) {
      this.querySelector(`[data-action=show-${name}]`)?.setAttribute("aria-pressed", String(name === view));
    }
    this.#page.hidden = view === "markdown";
    slot(this, "source").hidden = view === "rich";
    if (view === "markdown") this.#source?.show(this.text);
    (view === "rich" ? this.#page : slot(this, "source")).focus({ preventScroll: true });
  }

  /** Where a patch stands in the text. @param {Patch} patch */
  #placeOf({ at, pieces }) {
    const start = this.#history.pieces.slice(0, at).join("").length;
    return { start, end: start + pieces.join("").length };
  }

  #typed() {
    this.#saving.say("Changed");
    this.#saving.soon();
  }

  /** @param {string} text  what stands in the Markdown view */
  #takeTyped(text) {
    if (this.isActive) this.#take(text);
  }

  /** @param {string} text @param {CitationChange} [citations] */
  #take(text, citations) {
    this.#rich?.commit();
    this.#rich?.take(recut(this.#history.pieces, text), { citations });
    this.#source?.follow(text);
  }

  /** Write down what is being typed, in either view. */
  #settle() {
    this.#source?.take();
    this.#rich?.commit();
  }

  // --- changes ----------------------------------------------------------------------------------

  #onChange() {
    this.#keep();
    this.#showButtons();
    const { isChanged } = this.#saving;
    this.#saving.say(isChanged ? "Changed" : "");
    if (isChanged) this.#saving.soon();
    this.dispatchEvent(new CustomEvent("draft-edited", { bubbles: true }));
  }

  #showButtons() {
    for (const [name, can] of /** @type {const} */ ([["undo", this.#history.canUndo], ["redo", this.#history.canRedo]])) {
      const button = /** @type {HTMLButtonElement | null} */ (this.querySelector(`[data-action=${name}]`));
      if (button !== null) button.disabled = !can;
    }
  }

  /** From now on markers stand for these citations. @param {Citation[]} citations */
  #know(citations) {
    this.#known = new Map(citations.map((citation) => [citation.number, citation]));
  }

  #keep() {
    const { version, content: base } = this.#saving.stored;
    this.#kept.keep({ version, base, history: this.#history, citations: [...this.#known.values()] });
  }

  /** @param {string} text  what the server has @returns {EditHistory | null} */
  #revive(text) {
    const kept = this.#kept.load();
    const history = kept && EditHistory.revive(kept.history, kept.text);
    if (kept === null || history === null) return null;
    const isStored = kept.text.trim() === text.trim();
    const isForeign = !isStored && kept.version !== this.#saving.stored.version;
    if (isForeign && kept.text.trim() === kept.base.trim()) return null;
    for (const citation of kept.citations) if (!this.#known.has(citation.number)) this.#known.set(citation.number, citation);
    if (isForeign) {
      // Somebody else saved meanwhile: saving from the old version lets the two be merged.
      Object.assign(this.#saving.stored, { version: kept.version, content: kept.base });
    }
    return history;
  }

  #removeUnknown() {
    this.#take(withoutUnknown(this.text, (number) => this.#known.has(number)));
    return this.save();
  }
}
