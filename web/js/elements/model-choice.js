import { request } from "../lib/api.js";

/** Offers the models there are, if there is more than one. `data-label` names the choice. */
export class ModelChoice extends HTMLElement {
  #select = document.createElement("select");

  connectedCallback() {
    this.#load();
  }

  /** The chosen model, or undefined for the usual one. @returns {string | undefined} */
  get value() {
    return this.#select.value || undefined;
  }

  /** @param {boolean} isDisabled */
  set disabled(isDisabled) {
    this.#select.disabled = isDisabled;
  }

  async #load() {
    const { models } = await request("GET", "/api/v1/models").catch(() => ({ models: [] }));
    if (!Array.isArray(models) || models.length < 2) return;
    this.#select.replaceChildren(...models.map(({ id, is_default: isDefault }) => new Option(id, isDefault ? "" : id, isDefault, isDefault)));
    const label = document.createElement("label");
    label.append(`${this.dataset.label ?? "Model"} `, this.#select);
    this.replaceChildren(label);
    this.hidden = false;
  }
}
