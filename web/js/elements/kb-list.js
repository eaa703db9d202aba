import { actionOf, slot } from "../dom/find.js";
import { askToConfirm, notify, notifyError } from "../dom/messages.js";
import { request } from "../lib/api.js";
import { plural } from "../lib/progress-text.js";

/** The knowledge bases: create, rename, delete. */
export class KbList extends HTMLElement {
  /** The card whose name is being changed, or null while a new one is named. @type {HTMLElement | null} */
  #renamed = null;

  connectedCallback() {
    this.addEventListener("click", (event) => this.#act(event));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
  }

  get #dialog() {
    return /** @type {HTMLDialogElement} */ (slot(this, "name-dialog"));
  }

  get #form() {
    return /** @type {HTMLFormElement} */ (this.#dialog.querySelector("form"));
  }

  get #input() {
    return /** @type {HTMLInputElement} */ (this.#form.elements.namedItem("name"));
  }

  /** @param {Event} event */
  #act(event) {
    const action = actionOf(event);
    if (action === null) return;
    const card = /** @type {HTMLElement | null} */ (action.button.closest(".kb-card"));
    if (action.name === "create") this.#askName(null);
    if (action.name === "rename") this.#askName(card);
    if (action.name === "close") this.#dialog.close();
    if (action.name === "delete" && card !== null) this.#delete(card);
  }

  /** @param {HTMLElement | null} card */
  #askName(card) {
    this.#renamed = card;
    slot(this, "title").textContent = card === null ? "New knowledge base" : "Rename";
    slot(this, "submit").textContent = card === null ? "Create" : "Rename";
    slot(this, "error").hidden = true;
    if (card !== null) this.#input.value = card.dataset.name ?? "";
    this.#dialog.showModal();
    this.#input.select();
  }

  async #save() {
    const name = this.#input.value.trim();
    const card = this.#renamed;
    try {
      if (card === null) await this.#create(name);
      else await this.#rename(card, name);
    } catch (error) {
      slot(this, "error").textContent = /** @type {Error} */ (error).message;
      slot(this, "error").hidden = false;
    }
  }

  /** @param {string} name */
  async #create(name) {
    const { id } = await request("POST", "/api/v1/kbs", { body: { name } });
    location.assign(`/kb/${id}`);
  }

  /** @param {HTMLElement} card @param {string} name */
  async #rename(card, name) {
    await request("PATCH", `/api/v1/kbs/${card.dataset.id}`, { body: { name } });
    card.dataset.name = name;
    slot(card, "name").textContent = name;
    this.#input.value = "";
    this.#dialog.close();
  }

  /** @param {HTMLElement} card */
  async #delete(card) {
    const { id, name, documents, drafts } = card.dataset;
    const text = `Its ${plural(Number(documents), "document")} and ${plural(Number(drafts), "draft")} are deleted for good. This cannot be undone.`;
    const isSure = await askToConfirm({ title: `Delete “${name}”?`, text, action: "Delete" });
    if (!isSure) return;
    try {
      await request("DELETE", `/api/v1/kbs/${id}`);
      card.remove();
      notify({ message: `“${name}” was deleted.` });
    } catch (error) {
      notifyError(error);
    }
  }
}
