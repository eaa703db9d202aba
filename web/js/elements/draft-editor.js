import { actionOf, setText, slot } from "../dom/find.js";
import { notify, notifyError } from "../dom/messages.js";
import { RichText } from "../dom/rich-text.js";
import { localStorageOrNull } from "../dom/storage.js";
import { ApiError, request } from "../lib/api.js";
import { EditHistory, recut } from "../lib/edit-history.js";
import { KeptEdits } from "../lib/kept-edits.js";

/** @import {Citation} from "../lib/events.js" */
/** @import {CitationChange, Patch} from "../lib/edit-history.js" */

/**
 * @typedef {object} Editable
 * @property {string} draftId
 * @property {string[]} pieces   the Markdown of the blocks that are shown
 * @property {Citation[]} citations
 * @property {number} version
 *
 * @typedef {{code: string, numbers: number[], message: string, severity: string}} Warning
 * @typedef {{start: number, end: number, mine: string, theirs: string}} Meeting  code points of the merged text
 */

const SAVE_AFTER_MS = 5_000;
const MARKER = /(?<![\p{L}\p{N}_])\[([1-9]\d{0,2})\](?!\()/gu;

/**
 * A draft in a person's hands: the text as it reads, or its Markdown; saved five seconds after the
 * last change. Fires `draft-edited` when the text has changed, `draft-saved` with the stored draft,
 * and `edit-status` with a sentence. The attribute `view` is `rich` or `markdown`.
 */
export class DraftEditor extends HTMLElement {
  /** @type {RichText | null} */
  #rich = null;
  #history = new EditHistory([]);
  #kept = new KeptEdits(null, "");
  #draftId = "";
  #version = 0;
  /** What the server has. */
  #saved = "";
  /** @type {Citation[]} */
  #savedCitations = [];
  /** Every citation a marker may stand for. @type {Map<number, Citation>} */
  #known = new Map();
  #timer = 0;
  #isSaving = false;
  #life = new AbortController();

  connectedCallback() {
    const { signal } = this.#life;
    this.addEventListener("click", (event) => this.#act(event), { signal });
    this.addEventListener("keydown", (event) => this.#press(event), { signal });
    this.#source.addEventListener("input", () => this.#typed(), { signal });
    this.#source.addEventListener("blur", () => this.#takeSource(), { signal });
    window.addEventListener("pagehide", () => this.#leave(), { signal });
  }

  disconnectedCallback() {
    this.end();
    this.#life.abort();
  }

  get isActive() {
    return this.#rich !== null;
  }

  get draftId() {
    return this.#draftId;
  }

  get text() {
    return this.#history.text;
  }

  /** The citations that the text uses. @returns {Citation[]} */
  get citations() {
    return this.#used().flatMap((number) => this.#known.get(number) ?? []);
  }

  get version() {
    return this.#version;
  }

  /** The blocks on the page with their Markdown. @returns {{block: HTMLElement, source: string}[]} */
  get parts() {
    return (this.#rich?.blocks ?? []).map((block, i) => ({ block, source: this.#history.pieces[i] ?? "" }));
  }

  /** What is selected, in UTF-16 code units of the text. @returns {{start: number, end: number} | null} */
  get selection() {
    if (this.#view === "rich") return this.#rich?.selection ?? null;
    const { selectionStart: start, selectionEnd: end } = this.#source;
    return start === end ? null : { start, end };
  }

  /** @param {Editable} draft */
  begin({ draftId, pieces, citations, version }) {
    this.end();
    const text = pieces.join("");
    this.#draftId = draftId;
    this.#version = version;
    this.#saved = text;
    this.#learn(citations, { isAll: true });
    this.#kept = new KeptEdits(localStorageOrNull(), draftId);
    this.#history = this.#revive(text) ?? new EditHistory(pieces);
    this.#rich = new RichText(this.#page, pieces, this.#history, {
      onInput: () => this.#say("Changed"),
      onCommit: () => this.#onChange(),
      render: async (texts) => (await request("POST", "/api/v1/markdown", { body: { texts } })).html,
    });
    this.hidden = false;
    this.setAttribute("editing", "");
    this.#showButtons();
    if (this.#isChanged) this.#onChange();
  }

  end() {
    if (this.#rich === null) return;
    this.#takeSource();
    this.#rich.end();
    this.#rich = null;
    clearTimeout(this.#timer);
    this.removeAttribute("editing");
  }

  /**
   * Put another text in the place of a range, as one step that can be undone.
   * @param {{start: number, end: number}} range @param {string} text @param {Citation[]} citations
   */
  replace({ start, end }, text, citations) {
    this.#learn(citations);
    const { text: all } = this.#history;
    this.#take(all.slice(0, start) + text + all.slice(end));
  }

  /** Take what the server made of the draft. @param {{content: string, citations: Citation[], version: number}} draft */
  adopt({ content, citations, version }) {
    const before = this.citations;
    this.#learn(citations, { isAll: true });
    this.#version = version;
    this.#saved = content;
    this.#take(content, { before, after: citations });
    this.#keep();
  }

  /** Take the last step back. */
  undo() {
    this.#takeSource();
    this.#afterStep(this.#rich?.undo() ?? null);
  }

  /** The section the caret is in, without its heading. @returns {{start: number, end: number, title: string} | null} */
  get section() {
    const { pieces } = this.#history;
    const at = this.#rich?.caret?.piece ?? 0;
    const first = pieces.findLastIndex((piece, i) => i <= at && /^\s*## /.test(piece));
    if (first < 0) return null;
    const next = pieces.findIndex((piece, i) => i > first && /^\s*##? /.test(piece));
    const start = pieces.slice(0, first + 1).join("").length;
    const body = pieces.slice(first + 1, next < 0 ? pieces.length : next).join("");
    if (body.trim() === "") return null;
    const lead = body.length - body.trimStart().length;
    return { start: start + lead, end: start + body.trimEnd().length, title: pieces[first].replace(/[#\n]/g, "").trim() };
  }

  /** Save now. @returns {Promise<boolean>} whether all is stored */
  async save({ isAuto = false } = {}) {
    this.#takeSource();
    this.#rich?.commit();
    clearTimeout(this.#timer);
    if (this.#isSaving) return false;
    if (!this.#isChanged) return this.#tellSaved();
    this.#isSaving = true;
    this.#say("Saving…");
    try {
      this.#onSaved(await this.#send(isAuto), this.text);
    } catch (error) {
      await this.#onRefused(error);
    }
    this.#isSaving = false;
    if (this.#isChanged && this.getAttribute("problem") === null) this.#saveLater();
    return !this.#isChanged;
  }

  // --- parts ------------------------------------------------------------------------------------

  get #page() {
    return /** @type {HTMLElement} */ (this.querySelector("draft-text"));
  }

  get #source() {
    return /** @type {HTMLTextAreaElement} */ (slot(this, "source"));
  }

  get #view() {
    return this.getAttribute("view") ?? "rich";
  }

  get #isChanged() {
    return this.text.trim() !== this.#saved.trim();
  }

  /** @param {string} text */
  #say(text) {
    this.dispatchEvent(new CustomEvent("edit-status", { bubbles: true, detail: text }));
  }

  // --- what is asked for ------------------------------------------------------------------------

  /** @param {Event} event */
  #act(event) {
    /** @type {Record<string, () => unknown>} */
    const actions = {
      "undo": () => this.undo(),
      "redo": () => this.#redo(),
      "bold": () => this.#format("bold"),
      "italic": () => this.#format("italic"),
      "heading": () => this.#format("formatBlock", this.#isIn("h2") ? "p" : "h2"),
      "list": () => this.#format("insertUnorderedList"),
      "show-rich": () => this.#showView("rich"),
      "show-markdown": () => this.#showView("markdown"),
      "save": () => this.save(),
      "remove-unused": () => this.#fix({ remove_unused: true }),
      "renumber": () => this.#fix({ renumber: true }),
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

  /** @param {string} command @param {string} [value] */
  #format(command, value) {
    this.#page.focus();
    document.execCommand(command, false, value);
    this.#rich?.commit();
  }

  /** @param {string} name */
  #isIn(name) {
    const node = getSelection()?.focusNode;
    return (node instanceof Element ? node : node?.parentElement)?.closest(name) != null;
  }

  #redo() {
    this.#afterStep(this.#rich?.redo() ?? null);
  }

  /** @param {Patch | null} patch */
  #afterStep(patch) {
    if (patch === null) return;
    if (patch.citations !== undefined) this.#learn(patch.citations, { isAll: true, isSaved: false });
    if (this.#view === "markdown") this.#fillSource(patch);
    this.#onChange();
  }

  // --- the two views ----------------------------------------------------------------------------

  /** @param {"rich" | "markdown"} view */
  #showView(view) {
    if (view === this.#view) return;
    this.#rich?.commit();
    this.#takeSource();
    this.setAttribute("view", view);
    for (const name of ["rich", "markdown"]) {
      this.querySelector(`[data-action=show-${name}]`)?.setAttribute("aria-pressed", String(name === view));
    }
    this.#page.hidden = view === "markdown";
    this.#source.hidden = view === "rich";
    if (view === "markdown") this.#fillSource();
    (view === "rich" ? this.#page : this.#source).focus({ preventScroll: true });
  }

  /** @param {Patch} [patch] what has just changed */
  #fillSource(patch) {
    this.#source.value = this.text;
    if (patch === undefined) return;
    const start = this.#history.pieces.slice(0, patch.at).join("").length;
    this.#source.setSelectionRange(start, start + patch.pieces.join("").length);
  }

  #typed() {
    this.#say("Changed");
    this.#saveLater();
    clearTimeout(this.#sourceTimer);
    this.#sourceTimer = window.setTimeout(() => this.#takeSource(), 800);
  }

  #sourceTimer = 0;

  /** Take what stands in the Markdown view as a step. */
  #takeSource() {
    clearTimeout(this.#sourceTimer);
    if (this.#view === "markdown" && this.isActive) this.#take(this.#source.value);
  }

  /** @param {string} text @param {CitationChange} [citations] */
  #take(text, citations) {
    this.#rich?.commit();
    this.#rich?.take(recut(this.#history.pieces, text), citations);
    if (this.#view === "markdown" && this.#source.value !== text) this.#source.value = text;
  }

  // --- changes ----------------------------------------------------------------------------------

  #onChange() {
    this.#keep();
    this.#showButtons();
    this.#say(this.#isChanged ? "Changed" : "");
    if (this.#isChanged) this.#saveLater();
    this.dispatchEvent(new CustomEvent("draft-edited", { bubbles: true }));
  }

  #saveLater() {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.save({ isAuto: true }), SAVE_AFTER_MS);
  }

  #showButtons() {
    for (const [name, can] of /** @type {const} */ ([["undo", this.#history.canUndo], ["redo", this.#history.canRedo]])) {
      const button = /** @type {HTMLButtonElement | null} */ (this.querySelector(`[data-action=${name}]`));
      if (button !== null) button.disabled = !can;
    }
  }

  /** @returns {number[]} in the order of the text */
  #used() {
    return [...new Set(Array.from(this.text.matchAll(MARKER), (match) => Number(match[1])))];
  }

  /** @param {Citation[]} citations @param {{isAll?: boolean, isSaved?: boolean}} [options] `isAll`: numbers may mean others now */
  #learn(citations, { isAll = false, isSaved = isAll } = {}) {
    if (isSaved) this.#savedCitations = citations;
    if (isAll) this.#known = new Map();
    for (const citation of citations) this.#known.set(citation.number, citation);
  }

  #keep() {
    this.#kept.keep({ version: this.#version, base: this.#saved, history: this.#history, citations: [...this.#known.values()] });
  }

  /** @param {string} text  what the server has @returns {EditHistory | null} */
  #revive(text) {
    const kept = this.#kept.load();
    const history = kept && EditHistory.revive(kept.history, kept.text);
    if (kept === null || history === null) return null;
    const isStored = kept.text.trim() === text.trim();
    const isForeign = !isStored && kept.version !== this.#version;
    if (isForeign && kept.text.trim() === kept.base.trim()) return null;
    for (const citation of kept.citations) if (!this.#known.has(citation.number)) this.#known.set(citation.number, citation);
    if (isForeign) {
      // Somebody else saved meanwhile: saving from the old version lets the two be merged.
      this.#version = kept.version;
      this.#saved = kept.base;
    }
    return history;
  }

  // --- saving -----------------------------------------------------------------------------------

  /** @param {boolean} isAuto */
  #send(isAuto) {
    return request("PATCH", `/api/v1/drafts/${this.#draftId}`, { body: this.#body(isAuto) });
  }

  /** @param {boolean} isAuto */
  #body(isAuto) {
    const stored = new Map(this.#savedCitations.map((citation) => [citation.number, citation]));
    const citations = this.citations.map((citation) => (stored.get(citation.number)?.chunk_id === citation.chunk_id ? citation.number : citation));
    return { content: this.text, citations, version: this.#version, ...(isAuto ? { autosave: true } : {}) };
  }

  /** @param {any} draft as the server stored it @param {string} text  what was sent */
  #onSaved(draft, text) {
    this.#version = draft.version;
    this.#saved = text;
    this.#savedCitations = draft.citations;
    this.removeAttribute("problem");
    this.#keep();
    this.#showWarnings(draft.warnings ?? []);
    this.#tellSaved();
    this.dispatchEvent(new CustomEvent("draft-saved", { bubbles: true, detail: draft }));
  }

  #tellSaved() {
    this.#say(`Saved ${new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}`);
    return true;
  }

  /** @param {unknown} error */
  async #onRefused(error) {
    if (error instanceof ApiError && error.code === "VERSION_CONFLICT") return this.#merge();
    this.#fail(error);
  }

  /** @param {unknown} error */
  #fail(error) {
    this.setAttribute("problem", "");
    const { message } = /** @type {Error} */ (error);
    this.#say("Not saved yet");
    setText(slot(this, "problem"), `${message} Your changes are kept in this browser.`);
    window.addEventListener("online", () => this.save({ isAuto: true }), { once: true, signal: this.#life.signal });
  }

  /** Join what was changed elsewhere, and ask only where both changed the same place. @param {"mine" | "theirs"} [prefer] */
  async #merge(prefer) {
    const { content, citations } = this.#body(false);
    const body = { base: this.#saved, base_citations: this.#savedCitations, content, citations, ...(prefer ? { prefer } : {}) };
    try {
      const stored = await request("GET", `/api/v1/drafts/${this.#draftId}`);
      // A save on leaving the page may have overtaken the page's reload.
      if (stored.content === this.text.trim()) return this.#onSaved(stored, this.text);
      const merged = await request("POST", `/api/v1/drafts/${this.#draftId}/merge`, { body });
      if (!merged.saved) return this.#askWhich(merged);
      this.adopt(merged);
      this.#onSaved({ ...merged, ...merged.draft }, this.text);
      notify({ message: prefer === undefined ? "This draft was changed elsewhere too. Both changes are in the text now." : "Saved. The other text is kept under Versions and can be undone here." });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param {{conflicts: Meeting[]}} merged */
  #askWhich({ conflicts }) {
    this.#say("Changed elsewhere: choose");
    const dialog = /** @type {HTMLDialogElement} */ (slot(this, "conflict"));
    const list = slot(dialog, "conflicts");
    list.replaceChildren(...conflicts.map(drawConflict));
    dialog.returnValue = "";
    dialog.addEventListener("close", () => {
      const choice = dialog.returnValue;
      if (choice === "mine" || choice === "theirs") this.#merge(choice);
      else this.setAttribute("problem", "");
      if (choice === "") setText(slot(this, "problem"), "Not saved: this draft was changed elsewhere as well. Your text stays here until you choose.");
    }, { once: true });
    if (!dialog.open) dialog.showModal();
  }

  #leave() {
    if (!this.isActive) return;
    this.#takeSource();
    this.#rich?.commit();
    if (!this.#isChanged || this.text.length > 40_000) return;
    request("PATCH", `/api/v1/drafts/${this.#draftId}`, { body: this.#body(true), keepalive: true }).catch(() => {});
  }

  // --- warnings ---------------------------------------------------------------------------------

  /** @param {Warning[]} warnings */
  #showWarnings(warnings) {
    for (const item of this.querySelectorAll("[data-warning]")) {
      const warning = warnings.find(({ code }) => code === /** @type {HTMLElement} */ (item).dataset.warning);
      /** @type {HTMLElement} */ (item).hidden = warning === undefined;
      if (warning !== undefined) setText(slot(item, "text"), `${warning.message} ${listed(warning.numbers)}`);
    }
  }

  /** @param {{remove_unused?: boolean, renumber?: boolean}} wanted */
  async #fix(wanted) {
    if (!(await this.save())) return;
    try {
      const draft = await request("POST", `/api/v1/drafts/${this.#draftId}/fix`, { body: wanted });
      this.adopt(draft);
      this.#onSaved(draft, this.text);
    } catch (error) {
      notifyError(error);
    }
  }

  #removeUnknown() {
    const text = this.text.replace(MARKER, (marker, number) => (this.#known.has(Number(number)) ? marker : ""));
    this.#take(text.replace(/ +([.,;:!?])/g, "$1"));
    return this.save();
  }
}

/** @param {number[]} numbers */
function listed(numbers) {
  return numbers.slice(0, 8).map((number) => `[${number}]`).join(" ") + (numbers.length > 8 ? " …" : "");
}

/** @param {Meeting} meeting */
function drawConflict({ mine, theirs }) {
  const item = document.createElement("li");
  for (const [title, text] of [["Your text", mine], ["The other text", theirs]]) {
    const side = document.createElement("section");
    side.append(Object.assign(document.createElement("h3"), { textContent: title }), Object.assign(document.createElement("p"), { textContent: text === "" ? "(removed)" : text }));
    item.append(side);
  }
  return item;
}
