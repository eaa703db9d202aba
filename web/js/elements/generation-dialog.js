import { basket, emptyBasket, onBasketChange } from "../dom/basket-changes.js";
import { actionOf, setText, slot } from "../dom/find.js";
import { notify, notifyError } from "../dom/messages.js";
import { localStorageOrNull } from "../dom/storage.js";
import { request } from "../lib/api.js";
import { EventStream } from "../lib/event-stream.js";
import { newKey } from "../lib/idempotency-key.js";
import { plural } from "../lib/progress-text.js";
import { TypedInput } from "../lib/typed-input.js";

/** @typedef {{chunk_id: string, page?: number | null, section?: string | null, text: string}} Chunk */
/** @typedef {{id: string, name: string, status: string}} ReadyDocument */

/** @import {OutlineEditor, OutlineSection} from "./outline-editor.js" */
/** @typedef {{id: string, name: string, description: string, example: string, is_own: boolean, sections: OutlineSection[]}} DocumentType */

const MOST_CHARACTERS = 10_000;
const WISHES = /** @type {const} */ (["length", "tone", "audience", "language"]);
const ESTIMATE_AFTER_MS = 600;

/**
 * Asks what a new draft should be, starts it and goes to its page. Whatever was typed stays in this
 * browser until the draft has started.
 */
export class GenerationDialog extends HTMLElement {
  #life = new AbortController();
  #typed = new TypedInput(localStorageOrNull(), `generate:${this.dataset.kbId}`);
  /** One key for one request: sending it again after a lost reply or a reload joins the first run. */
  #attempt = { body: "", key: "" };
  /** @type {Map<string, DocumentType>} */
  #types = new Map();
  /** The type whose outline is shown. */
  #outlined = "";
  /** What a complaint about another draft brought along. @type {Record<string, any>} */
  #more = {};
  #estimateTimer = 0;

  connectedCallback() {
    const { signal } = this.#life;
    document.addEventListener("click", (event) => {
      if (actionOf(event)?.name === "open-generation-dialog") this.open();
    }, { signal });
    document.addEventListener("documents-changed", () => this.#listDocuments(), { signal });
    this.addEventListener("click", (event) => {
      const name = actionOf(event)?.name;
      if (name === "close") this.#dialog.close();
      if (name === "save-type") this.#saveType();
      if (name === "delete-type") this.#deleteType();
    });
    this.#form.addEventListener("input", () => this.#onInput());
    this.#form.addEventListener("change", (event) => this.#onPick(event));
    this.#form.addEventListener("toggle", (event) => this.#onToggle(event), { capture: true });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start();
    });
    this.#context.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#form.requestSubmit();
    });
    this.addEventListener("outline-changed", () => this.#onOutline());
    onBasketChange(() => this.#offerBasket(), signal);
    this.#restore();
    this.#offerBasket();
    this.#onInput();
    if (location.hash === "#new-draft") this.open();
  }

  disconnectedCallback() {
    this.#life.abort();
  }

  open() {
    if (this.#dialog.open) return;
    this.#showError("");
    this.#dialog.showModal();
    this.#context.focus();
    this.#loadTypes();
  }

  get #dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
  }

  get #form() {
    return /** @type {HTMLFormElement} */ (this.querySelector("form"));
  }

  get #context() {
    return /** @type {HTMLTextAreaElement} */ (slot(this, "context"));
  }

  // --- what is typed ----------------------------------------------------------------------------

  #restore() {
    const { context, documentType, attempt, more } = this.#typed.read();
    this.#fill(typeof more === "object" && more !== null ? more : {});
    if (typeof context === "string") this.#context.value = context;
    const radio = this.#radios("document_type").find(({ value }) => value === documentType);
    if (radio !== undefined) radio.checked = true;
    if (isAttempt(attempt)) this.#attempt = attempt;
  }

  #onInput() {
    const context = this.#context.value;
    const example = this.#chosenType()?.dataset.example ?? "";
    setText(slot(this, "counter"), `${context.length.toLocaleString("en")} / ${MOST_CHARACTERS.toLocaleString("en")}`);
    setText(slot(this, "example"), example === "" ? "" : `For example: ${example}`);
    slot(this, "picker").hidden = this.#sourceChoice !== "picked";
    slot(this, "basket").hidden = this.#sourceChoice !== "basket";
    if (context !== "" || this.#typed.read().context) this.#keep();
    this.#showOutline();
    this.#estimateSoon();
  }

  /** Fill in the wishes of an earlier request. @param {Record<string, any>} more */
  #fill(more) {
    this.#more = more;
    for (const name of WISHES) if (typeof more[name] === "string") this.#field(name).value = more[name];
  }

  /** @param {string} name @returns {HTMLInputElement} */
  #field(name) {
    return /** @type {HTMLInputElement} */ (this.querySelector(`[name=${name}]`));
  }

  #keep() {
    this.#typed.keep({ context: this.#context.value, documentType: this.#chosenType()?.value, attempt: this.#attempt, more: { ...this.#more, ...this.#wishes() } });
  }

  /** @param {string} name @returns {HTMLInputElement[]} */
  #radios(name) {
    return Array.from(this.querySelectorAll(`input[type=radio][name=${name}]`));
  }

  #chosenType() {
    return this.#radios("document_type").find(({ checked }) => checked);
  }

  /** Which passages a draft is written from: all, picked here, or picked elsewhere before. */
  get #sourceChoice() {
    return this.#radios("sources").find(({ checked }) => checked)?.value ?? "all";
  }

  /** Offer what was picked on other pages; whoever came here with it most likely wants it. */
  #offerBasket() {
    const count = basket().list(this.dataset.kbId ?? "").length;
    slot(this, "basket-choice").hidden = count === 0;
    setText(slot(this, "basket-label"), `My selection (${plural(count, "passage")})`);
    const choice = this.#radios("sources").find(({ value }) => value === (count === 0 ? "all" : "basket"));
    const isStale = count === 0 && this.#sourceChoice === "basket";
    if (choice !== undefined && (isStale || (count > 0 && location.hash === "#new-draft"))) choice.checked = true;
    this.#onInput();
  }

  // --- outline ----------------------------------------------------------------------------------

  get #outline() {
    return /** @type {OutlineEditor} */ (this.querySelector("outline-editor"));
  }

  async #loadTypes() {
    const { templates } = await request("GET", `/api/v1/templates?kb_id=${this.dataset.kbId}`).catch(() => ({ templates: [] }));
    this.#types = new Map(templates.map((/** @type {DocumentType} */ type) => [type.id, type]));
    this.#showOutline();
    this.#estimateSoon();
  }

  /** Show the outline of the chosen type, unless it is shown already. */
  #showOutline() {
    const type = this.#types.get(this.#chosenType()?.value ?? "");
    if (type === undefined || type.id === this.#outlined) return;
    this.#outlined = type.id;
    const documents = this.#sources().map((source) => ({ id: source.dataset.id ?? "", name: source.querySelector("summary label")?.textContent?.trim() ?? "" }));
    this.#outline.load(type.sections, documents);
    if (Array.isArray(this.#more.outline)) this.#outline.load(this.#more.outline, documents);
    /** @type {HTMLInputElement} */ (slot(this, "type-name")).value = type.is_own ? type.name : "";
    setText(slot(this, "save-type-label"), type.is_own ? "Save this type" : "Save as own type");
    /** @type {HTMLElement} */ (this.querySelector("[data-action=delete-type]")).hidden = !type.is_own;
  }

  #onOutline() {
    setText(slot(this, "outline-summary"), slot(this, "summary").textContent ?? "");
    this.#estimateSoon();
  }

  async #saveType() {
    const input = /** @type {HTMLInputElement} */ (slot(this, "type-name"));
    const type = this.#types.get(this.#outlined);
    const name = input.value.trim();
    if (name === "") return input.focus();
    const sections = this.#outline.value.map(({ title, guidance, target_words }) => ({ title, guidance, target_words }));
    const body = { name, sections, description: type?.description ?? "", example: type?.example ?? "" };
    try {
      const saved = type?.is_own === true
        ? await request("PATCH", `/api/v1/templates/${type.id}`, { body })
        : await request("POST", "/api/v1/templates", { body: { kb_id: this.dataset.kbId, ...body } });
      if (type?.is_own !== true) this.#addType(saved);
      this.#outlined = "";
      await this.#loadTypes();
      notify({ message: `“${saved.name}” is a type of this knowledge base now.` });
    } catch (error) {
      notifyError(error);
    }
  }

  /** Offer a new type and choose it. @param {DocumentType} type */
  #addType({ id, name, description }) {
    const cards = /** @type {HTMLElement} */ (this.querySelector(".type-cards"));
    const card = Object.assign(document.createElement("label"), { className: "type-card" });
    const radio = Object.assign(document.createElement("input"), { type: "radio", name: "document_type", value: id, required: true });
    card.append(
      radio,
      Object.assign(document.createElement("span"), { className: "type-name", textContent: name }),
      Object.assign(document.createElement("span"), { className: "type-description", textContent: description }),
    );
    cards.append(card);
    radio.checked = true;
  }

  async #deleteType() {
    const radio = this.#chosenType();
    try {
      await request("DELETE", `/api/v1/templates/${this.#outlined}`);
      radio?.closest(".type-card")?.remove();
      const [first] = this.#radios("document_type");
      first.checked = true;
      this.#onInput();
    } catch (error) {
      notifyError(error);
    }
  }

  // --- estimate ---------------------------------------------------------------------------------

  #estimateSoon() {
    clearTimeout(this.#estimateTimer);
    if (this.#dialog.open) this.#estimateTimer = window.setTimeout(() => this.#estimate(), ESTIMATE_AFTER_MS);
  }

  async #estimate() {
    const body = this.#body();
    if (problemOf(body) !== "") return setText(slot(this, "estimate"), "Ctrl + Enter starts");
    const found = await request("POST", "/api/v1/generate/estimate", { body }).catch(() => null);
    if (found !== null) setText(slot(this, "estimate"), estimateText(found));
  }

  // --- picking sources --------------------------------------------------------------------------

  /** Show a document that became ready while the page was open, and drop one that went. */
  async #listDocuments() {
    const { documents } = await request("GET", `/api/v1/kbs/${this.dataset.kbId}/documents`).catch(() => ({ documents: null }));
    if (documents === null) return;
    const ready = /** @type {ReadyDocument[]} */ (documents).filter(({ status }) => status === "ready");
    const kept = new Map(this.#sources().map((source) => [source.dataset.id, source]));
    slot(this, "picker").replaceChildren(...ready.map((document) => kept.get(document.id) ?? drawSource(document)));
  }

  /** @returns {HTMLDetailsElement[]} */
  #sources() {
    return Array.from(this.querySelectorAll(".source-document"));
  }

  /** @param {Event} event */
  async #onToggle(event) {
    if (event.target instanceof HTMLDetailsElement && event.target.open && event.target.matches(".source-document")) await this.#load(event.target);
  }

  /** @param {Event} event */
  async #onPick(event) {
    if (!(event.target instanceof HTMLInputElement) || event.target.type !== "checkbox") return;
    const source = /** @type {HTMLDetailsElement | null} */ (event.target.closest(".source-document"));
    if (source === null) return;
    if (event.target.dataset.role === "document") {
      await this.#load(source);
      for (const box of passagesOf(source)) box.checked = event.target.checked;
    }
    showPicked(source);
  }

  /** Load the passages of a document once. @param {HTMLDetailsElement} source */
  async #load(source) {
    if (source.dataset.loaded !== undefined) return;
    try {
      const { chunks } = await request("GET", `/api/v1/documents/${source.dataset.id}/chunks`);
      source.dataset.loaded = "";
      slot(source, "passages").replaceChildren(...chunks.map(drawPassage));
    } catch (error) {
      setText(slot(source, "passages"), /** @type {Error} */ (error).message);
    }
  }

  // --- starting ---------------------------------------------------------------------------------

  async #start() {
    const body = this.#body();
    const problem = problemOf(body);
    this.#showError(problem);
    if (problem !== "") return;
    this.#setBusy(true);
    const { kbId } = this.dataset;
    const stream = new EventStream({
      request: { url: "/api/v1/generate", body, idempotencyKey: this.#keyFor(body), isStartOnly: true },
    }, {
      onEvent: () => {},
      // The run goes on by itself; the draft's own page reads it.
      onOpen: ({ draftId }) => {
        stream.close();
        this.#typed.forget();
        this.#attempt = { body: "", key: "" };
        if (this.#sourceChoice === "basket") emptyBasket(kbId ?? "");
        location.assign(draftId === null ? `/kb/${kbId}/drafts` : `/kb/${kbId}/drafts/${draftId}`);
      },
      onConnection: ({ state, attempt }) => {
        if (state === "waiting") this.#showError(unreachable(attempt));
      },
    });
    const life = new AbortController();
    window.addEventListener("online", () => stream.wake(), { signal: life.signal });
    this.#dialog.addEventListener("close", () => stream.close(), { signal: life.signal });
    const outcome = await stream.run();
    life.abort();
    if (outcome.kind === "refused") this.#showError(outcome.error.message);
    if (outcome.kind === "refused" || !this.#dialog.open) this.#setBusy(false);
  }

  #body() {
    const chosen = this.#chosenPassages();
    return {
      kb_id: this.dataset.kbId,
      document_type: this.#chosenType()?.value,
      context: this.#context.value.trim(),
      ...this.#wishes(),
      ...(this.#outline.isChanged || Array.isArray(this.#more.outline) ? { outline: this.#outline.value } : {}),
      ...(this.#more.feedback === undefined ? {} : { feedback: this.#more.feedback }),
      ...(chosen === null ? {} : { selected_sources: chosen }),
      on_disconnect: "continue",
    };
  }

  /** What was wished for beyond the type. @returns {Record<string, string>} */
  #wishes() {
    return Object.fromEntries(WISHES.map((name) => [name, this.#field(name).value.trim()]).filter(([, value]) => value !== ""));
  }

  /** @returns {string[] | null} null for all there are */
  #chosenPassages() {
    const choice = this.#sourceChoice;
    if (choice === "all") return null;
    if (choice === "basket") return basket().list(this.dataset.kbId ?? "").map(({ chunk_id: id }) => id);
    return this.#sources().flatMap(passagesOf).filter(({ checked }) => checked).map(({ value }) => value);
  }

  /** @param {object} body */
  #keyFor(body) {
    const text = JSON.stringify(body);
    if (text !== this.#attempt.body) this.#attempt = { body: text, key: newKey() };
    this.#keep();
    return this.#attempt.key;
  }

  /** @param {string} message */
  #showError(message) {
    setText(slot(this, "error"), message);
    slot(this, "error").hidden = message === "";
  }

  /** @param {boolean} isBusy */
  #setBusy(isBusy) {
    /** @type {HTMLButtonElement} */ (slot(this, "submit")).disabled = isBusy;
    setText(slot(this, "submit-label"), isBusy ? "Starting…" : "Start writing");
  }
}

/** @param {{context: string, document_type?: string, selected_sources?: string[]}} body */
function problemOf({ context, document_type: type, selected_sources: chosen }) {
  if (chosen?.length === 0) return "Pick at least one passage, or use all documents.";
  if (context === "" && (chosen === undefined || type === "custom")) return "Say in a sentence or two what the draft is for.";
  return "";
}

/** @param {{words: number, prompt_tokens: number, completion_tokens: number, seconds: number | null}} estimate */
function estimateText({ words, prompt_tokens: asked, completion_tokens: written, seconds }) {
  const time = seconds === null ? "" : seconds < 90 ? ` · ${Math.max(1, Math.round(seconds))} s` : ` · ${Math.round(seconds / 60)} min`;
  return `About ${plural(words, "word")} · ${plural(asked + written, "token")}${time}`;
}

/** @param {any} value @returns {value is {body: string, key: string}} */
function isAttempt(value) {
  return typeof value?.body === "string" && typeof value.key === "string";
}

/** @param {number} attempt */
function unreachable(attempt) {
  if (!navigator.onLine) return "You are offline. What you typed is kept, and will be sent when you are online again.";
  return `The server cannot be reached. Trying again, attempt ${attempt}. What you typed is kept.`;
}

/** @param {HTMLElement} source @returns {HTMLInputElement[]} */
function passagesOf(source) {
  return Array.from(source.querySelectorAll("input[data-role=passage]"));
}

/** @param {HTMLElement} source */
function showPicked(source) {
  const boxes = passagesOf(source);
  const picked = boxes.filter(({ checked }) => checked).length;
  const whole = /** @type {HTMLInputElement} */ (source.querySelector("input[data-role=document]"));
  whole.checked = picked > 0 && picked === boxes.length;
  whole.indeterminate = picked > 0 && picked < boxes.length;
  setText(slot(source, "picked"), picked === 0 ? "" : `${picked} of ${plural(boxes.length, "passage")}`);
}

/** @param {Chunk} chunk */
function drawPassage({ chunk_id: id, page, section, text }) {
  const label = document.createElement("label");
  label.className = "passage";
  const box = Object.assign(document.createElement("input"), { type: "checkbox", value: id });
  box.dataset.role = "passage";
  const body = document.createElement("span");
  const place = Object.assign(document.createElement("span"), { className: "fine-print" });
  place.textContent = [page ? `page ${page}` : "", section ?? ""].filter(Boolean).join(" · ");
  body.append(place, Object.assign(document.createElement("span"), { className: "passage-text", textContent: text }));
  label.append(box, body);
  return label;
}

/** @param {ReadyDocument} ready */
function drawSource({ id, name }) {
  const source = document.createElement("details");
  source.className = "source-document";
  source.dataset.id = id;
  const box = Object.assign(document.createElement("input"), { type: "checkbox" });
  box.dataset.role = "document";
  const label = Object.assign(document.createElement("label"), { className: "choice" });
  label.append(box, ` ${name}`);
  const picked = Object.assign(document.createElement("span"), { className: "fine-print" });
  picked.dataset.slot = "picked";
  const summary = document.createElement("summary");
  summary.append(label, picked);
  const passages = Object.assign(document.createElement("div"), { className: "passages", textContent: "Loading the passages…" });
  passages.dataset.slot = "passages";
  source.append(summary, passages);
  return source;
}
