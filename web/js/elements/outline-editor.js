import { basket } from "../dom/basket-changes.js";
import { actionOf, setText, slot, stamp } from "../dom/find.js";
import { plural } from "../lib/progress-text.js";

/**
 * @typedef {object} OutlineSection
 * @property {string} title
 * @property {string} [guidance]
 * @property {number} [target_words]
 * @property {string[]} [pinned]    passages to be used here
 * @property {string[]} [excluded]  documents to be left out here
 */

/**
 * The sections of a document to be, in their order: each with its title, guidance, length and
 * sources. Alt with the arrow keys moves a section. Fires `outline-changed`.
 */
export class OutlineEditor extends HTMLElement {
  #original = "";

  connectedCallback() {
    this.addEventListener("click", (event) => this.#act(event));
    this.addEventListener("keydown", (event) => this.#press(event));
    this.addEventListener("input", () => this.#tell());
  }

  /** @param {OutlineSection[]} sections @param {{id: string, name: string}[]} documents  that can be left out */
  load(sections, documents) {
    this.#list.replaceChildren(...sections.map((section) => this.#row(section, documents)));
    this.#original = JSON.stringify(this.value);
    this.#documents = documents;
    this.#tell();
  }

  /** @type {{id: string, name: string}[]} */
  #documents = [];

  /** @returns {OutlineSection[]} without the rows that have no title */
  get value() {
    return this.#rows.map(sectionOf).filter(({ title }) => title !== "");
  }

  get isChanged() {
    return JSON.stringify(this.value) !== this.#original;
  }

  get #list() {
    return slot(this, "sections");
  }

  /** @returns {HTMLElement[]} */
  get #rows() {
    return /** @type {HTMLElement[]} */ (Array.from(this.#list.children));
  }

  #tell() {
    const { value } = this;
    const words = value.reduce((sum, section) => sum + (section.target_words ?? 0), 0);
    setText(slot(this, "summary"), value.length === 0 ? "free form" : `${plural(value.length, "section")}, about ${plural(words, "word")}`);
    this.#rows.forEach((row, i) => {
      /** @type {HTMLButtonElement} */ (row.querySelector("[data-action=up]")).disabled = i === 0;
      /** @type {HTMLButtonElement} */ (row.querySelector("[data-action=down]")).disabled = i === this.#rows.length - 1;
    });
    this.dispatchEvent(new CustomEvent("outline-changed", { bubbles: true }));
  }

  /** @param {OutlineSection} section @param {{id: string, name: string}[]} documents */
  #row({ title, guidance = "", target_words: words = 200, pinned = [], excluded = [] }, documents) {
    const row = stamp(this);
    /** @type {HTMLInputElement} */ (slot(row, "title")).value = title;
    /** @type {HTMLInputElement} */ (slot(row, "words")).value = String(words);
    /** @type {HTMLTextAreaElement} */ (slot(row, "guidance")).value = guidance;
    row.dataset.pinned = pinned.join(" ");
    slot(row, "documents").replaceChildren(...documents.map((document) => drawDocument(document, excluded)));
    this.#showPins(row);
    return row;
  }

  /** @param {HTMLElement} row */
  #showPins(row) {
    const pinned = pinsOf(row).length;
    const offered = basket().list(this.dataset.kbId ?? "").length;
    setText(slot(row, "pins"), pinned > 0 ? `${plural(pinned, "passage")} pinned here` : "");
    const button = /** @type {HTMLElement} */ (row.querySelector("[data-action=pin]"));
    button.hidden = pinned === 0 && offered === 0;
    setText(button, pinned > 0 ? "Unpin" : `Pin my selection (${offered})`);
  }

  /** @param {Event} event */
  #act(event) {
    const action = actionOf(event);
    const row = /** @type {HTMLElement | null | undefined} */ (action?.button.closest(".outline-row"));
    if (action?.name === "add-section") return this.#add();
    if (action === null || !row) return;
    if (action.name === "up" || action.name === "down") this.#move(row, action.name === "up" ? -1 : 1, action.button);
    if (action.name === "remove") this.#remove(row);
    if (action.name === "pin") this.#pin(row);
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const row = event.target instanceof HTMLElement ? event.target.closest(".outline-row") : null;
    if (step === undefined || !event.altKey || row === null) return;
    event.preventDefault();
    this.#move(/** @type {HTMLElement} */ (row), step, /** @type {HTMLElement} */ (event.target));
  }

  /** @param {HTMLElement} row @param {number} step @param {HTMLElement} focused */
  #move(row, step, focused) {
    const other = step < 0 ? row.previousElementSibling : row.nextElementSibling;
    if (other === null) return;
    if (step < 0) other.before(row);
    else other.after(row);
    this.#tell();
    if (!(/** @type {HTMLButtonElement} */ (focused).disabled)) focused.focus();
    else slot(row, "title").focus();
    setText(slot(this, "said"), `${/** @type {HTMLInputElement} */ (slot(row, "title")).value} is section ${this.#rows.indexOf(row) + 1} of ${this.#rows.length} now.`);
  }

  #add() {
    const row = this.#row({ title: "" }, this.#documents);
    this.#list.append(row);
    this.#tell();
    slot(row, "title").focus();
  }

  /** @param {HTMLElement} row */
  #remove(row) {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    this.#tell();
    if (next === null) /** @type {HTMLElement} */ (this.querySelector("[data-action=add-section]")).focus();
    else slot(next, "title").focus();
  }

  /** @param {HTMLElement} row */
  #pin(row) {
    const passages = pinsOf(row).length > 0 ? [] : basket().list(this.dataset.kbId ?? "").map(({ chunk_id: id }) => id);
    row.dataset.pinned = passages.join(" ");
    this.#showPins(row);
    this.#tell();
  }
}

/** @param {HTMLElement} row */
function pinsOf(row) {
  return (row.dataset.pinned ?? "").split(" ").filter(Boolean);
}

/** @param {HTMLElement} row @returns {OutlineSection} */
function sectionOf(row) {
  const words = Number(/** @type {HTMLInputElement} */ (slot(row, "words")).value);
  /** @type {NodeListOf<HTMLInputElement>} */
  const left = row.querySelectorAll("[data-slot=documents] input:not(:checked)");
  return {
    title: /** @type {HTMLInputElement} */ (slot(row, "title")).value.trim(),
    guidance: /** @type {HTMLTextAreaElement} */ (slot(row, "guidance")).value.trim(),
    target_words: Math.min(5_000, Math.max(20, Math.round(words) || 200)),
    pinned: pinsOf(row),
    excluded: Array.from(left, ({ value }) => value),
  };
}

/** @param {{id: string, name: string}} document @param {string[]} excluded */
function drawDocument({ id, name }, excluded) {
  const label = Object.assign(document.createElement("label"), { className: "choice" });
  const box = Object.assign(document.createElement("input"), { type: "checkbox", value: id, checked: !excluded.includes(id) });
  label.append(box, ` ${name}`);
  return label;
}
