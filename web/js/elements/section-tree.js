import { actionOf, setText, slot } from "../dom/find.js";
import { localStorageOrNull } from "../dom/storage.js";

/** @import {Section} from "../lib/draft-state.js" */

const KEY = "footnote:sections-folded";

/**
 * The sections of a draft and how far each is. Fires `section-chosen` with the title; the attribute
 * `folded` hides the list.
 */
export class SectionTree extends HTMLElement {
  connectedCallback() {
    this.toggleAttribute("folded", readFlag());
    this.addEventListener("click", (event) => this.#act(event));
  }

  /** @param {Section[]} sections */
  show(sections) {
    const list = slot(this, "list");
    this.hidden = sections.length === 0;
    while (list.children.length < sections.length) list.append(this.#item());
    sections.forEach(({ title, state, weak }, i) => {
      const item = /** @type {HTMLElement} */ (list.children[i]);
      setText(/** @type {Element} */ (item.firstElementChild), title);
      if (item.dataset.state !== state) item.dataset.state = state;
      this.#count(item, weak);
      if (state === "current") item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
  }

  /** @param {HTMLElement} item @param {number} weak */
  #count(item, weak) {
    const note = /** @type {HTMLElement} */ (item.lastElementChild);
    item.classList.toggle("is-weak", weak > 0);
    setText(note, weak > 0 ? `${weak} to check` : "");
  }

  #item() {
    const item = document.createElement("li");
    const button = Object.assign(document.createElement("button"), { type: "button" });
    button.dataset.action = "go-to-section";
    const note = Object.assign(document.createElement("span"), { className: "section-note" });
    item.append(button, note);
    return item;
  }

  /** @param {Event} event */
  #act(event) {
    const action = actionOf(event);
    if (action?.name === "fold") writeFlag(this.toggleAttribute("folded"));
    if (action?.name !== "go-to-section") return;
    this.dispatchEvent(new CustomEvent("section-chosen", { bubbles: true, detail: action.button.textContent }));
  }
}

function readFlag() {
  try {
    return localStorageOrNull()?.getItem(KEY) === "1";
  } catch {
    return false;
  }
}

/** @param {boolean} isFolded */
function writeFlag(isFolded) {
  try {
    localStorageOrNull()?.setItem(KEY, isFolded ? "1" : "0");
  } catch {
    // Folded for this visit only.
  }
}
