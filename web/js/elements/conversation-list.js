import { deleteRow } from "../dom/delete-row.js";
import { actionOf, slot } from "../dom/find.js";
import { notifyError } from "../dom/messages.js";
import { request } from "../lib/api.js";

/** The conversations of a knowledge base: rename, and delete with a way back. */
export class ConversationList extends HTMLElement {
  /** @type {HTMLElement | null} */
  #renamed = null;

  connectedCallback() {
    this.addEventListener("click", (event) => this.#act(event));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#rename();
    });
  }

  /** Take the list of another page, fresh from the server. @param {ParentNode} fresh */
  adopt(fresh) {
    slot(this, "list").replaceChildren(...slot(fresh, "list").children);
    this.#showEmpty();
  }

  get #dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
  }

  get #form() {
    return /** @type {HTMLFormElement} */ (this.querySelector("form"));
  }

  get #input() {
    return /** @type {HTMLInputElement} */ (this.#form.elements.namedItem("title"));
  }

  /** @param {Event} event */
  #act(event) {
    const action = actionOf(event);
    if (action === null) return;
    const row = /** @type {HTMLElement | null} */ (action.button.closest(".conversation"));
    if (action.name === "fold") this.#fold(action.button);
    if (action.name === "close") this.#dialog.close();
    if (action.name === "rename" && row !== null) this.#askTitle(row);
    if (action.name === "delete" && row !== null) this.#delete(row);
  }

  /** @param {HTMLElement} button */
  #fold(button) {
    button.setAttribute("aria-expanded", String(this.toggleAttribute("open")));
  }

  /** @param {HTMLElement} row */
  #askTitle(row) {
    this.#renamed = row;
    slot(this, "error").hidden = true;
    this.#input.value = row.dataset.title ?? "";
    this.#dialog.showModal();
    this.#input.select();
  }

  async #rename() {
    const row = this.#renamed;
    const title = this.#input.value.trim();
    if (row === null || title === "") return;
    try {
      await request("PATCH", pathOf(row), { body: { title } });
      row.dataset.title = title;
      slot(row, "title").textContent = title;
      this.#dialog.close();
    } catch (error) {
      slot(this, "error").textContent = /** @type {Error} */ (error).message;
      slot(this, "error").hidden = false;
    }
  }

  /** @param {HTMLElement} row */
  #delete(row) {
    const isCurrent = slot(row, "title").hasAttribute("aria-current");
    deleteRow(row, {
      path: pathOf(row),
      message: `“${row.dataset.title}” was deleted.`,
      onShown: () => this.#showEmpty(),
      onDone: () => {
        if (isCurrent) location.assign(location.pathname);
      },
    });
  }

  #showEmpty() {
    slot(this, "empty").hidden = this.querySelector(".conversation:not([hidden])") !== null;
  }
}

/** @param {HTMLElement} row */
function pathOf(row) {
  return `/api/v1/conversations/${encodeURIComponent(row.dataset.id ?? "")}`;
}
