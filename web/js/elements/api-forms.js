import { actionOf, slot } from "../dom/find.js";
import { askToConfirm, notify, notifyError } from "../dom/messages.js";
import { sessionStorageOrNull } from "../dom/storage.js";
import { request } from "../lib/api.js";
import { bodyOf, requestOf, secretOf } from "../lib/form-body.js";

const AFTERWARDS = "footnote:afterwards";

/**
 * Forms, buttons and choices that speak to the API: what each sends is written on it.
 *
 * `data-send` is "METHOD path"; `data-body` the JSON of a button; `data-ask`, `data-loss` and `data-go`
 * ask first. Afterwards the page is read anew: it says `data-done`, and `data-focus` names where the
 * keyboard goes on; or it leads to `data-then`.
 */
export class ApiForms extends HTMLElement {
  #life = new AbortController();

  connectedCallback() {
    const { signal } = this.#life;
    this.addEventListener("submit", (event) => this.#submit(event), { signal });
    this.addEventListener("click", (event) => this.#click(event), { signal });
    this.addEventListener("change", (event) => this.#change(event), { signal });
    this.#goOn();
  }

  disconnectedCallback() {
    this.#life.abort();
  }

  /** @param {Event} event */
  #submit(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (form.dataset.send === undefined) return;
    event.preventDefault();
    this.#send(form, bodyOf(fieldsOf(form)), (error) => this.#showError(form, error));
  }

  /** @param {Event} event */
  async #click(event) {
    if (actionOf(event)?.name === "copy") this.#copy();
    const button = event.target instanceof Element ? event.target.closest("button[data-send]") : null;
    if (!(button instanceof HTMLButtonElement)) return;
    const { ask, loss = "", go = "Go on", body } = button.dataset;
    if (ask !== undefined && !(await askToConfirm({ title: ask, text: loss, action: go }))) return;
    this.#send(button, body === undefined ? undefined : JSON.parse(body), notifyError);
  }

  /** @param {Event} event */
  #change(event) {
    const select = event.target;
    if (!(select instanceof HTMLSelectElement) || select.dataset.send === undefined) return;
    this.#send(select, { [select.name]: select.value }, notifyError);
  }

  /**
   * @param {HTMLElement} element
   * @param {unknown} body
   * @param {(error: unknown) => void} onError
   */
  async #send(element, body, onError) {
    const { method, path } = requestOf(element.dataset.send ?? "");
    try {
      const answer = await request(method, path, { body });
      const secret = secretOf(answer);
      if (secret !== null) await this.#showSecret(secret);
      this.#readAnew(element);
    } catch (error) {
      onError(error);
    }
  }

  /** @param {HTMLFormElement} form @param {unknown} error */
  #showError(form, error) {
    const place = slot(form, "error");
    place.textContent = /** @type {Error} */ (error).message;
    place.hidden = false;
  }

  /** @param {{title: string, text: string, label: string, secret: string}} shown */
  #showSecret({ title, text, label, secret }) {
    const dialog = /** @type {HTMLDialogElement} */ (slot(this, "secret-dialog"));
    slot(dialog, "secret-title").textContent = title;
    slot(dialog, "secret-text").textContent = text;
    slot(dialog, "secret-label").textContent = label;
    const field = /** @type {HTMLInputElement} */ (slot(dialog, "secret"));
    field.value = secret;
    dialog.showModal();
    field.select();
    return new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  }

  async #copy() {
    const field = /** @type {HTMLInputElement} */ (slot(this, "secret"));
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      slot(this, "copy-label").textContent = "Copied";
    } catch {
      slot(this, "copy-label").textContent = "Press Ctrl + C";
    }
  }

  /** @param {HTMLElement} element */
  #readAnew(element) {
    const { then, done, focus } = element.dataset;
    if (then !== undefined) {
      location.assign(then);
      return;
    }
    sessionStorageOrNull()?.setItem(AFTERWARDS, JSON.stringify({ done, focus }));
    location.reload();
  }

  /** Go on where the page was before it was read anew. */
  #goOn() {
    const storage = sessionStorageOrNull();
    const { done, focus } = JSON.parse(storage?.getItem(AFTERWARDS) ?? "{}");
    const place = focus === undefined ? null : this.querySelector(`#${CSS.escape(focus)}`);
    if (!(place instanceof HTMLElement)) return;
    storage?.removeItem(AFTERWARDS);
    const folded = this.closest("details");
    if (folded !== null) folded.open = true;
    place.focus();
    if (done !== undefined) notify({ message: done });
  }
}

/** @param {HTMLFormElement} form @returns {import("../lib/form-body.js").Field[]} */
function fieldsOf(form) {
  const controls = /** @type {(HTMLInputElement | HTMLSelectElement)[]} */ (
    Array.from(form.elements).filter((one) => "name" in one && one.name !== "" && !one.hasAttribute("data-not-sent"))
  );
  return controls.map((control) => ({
    name: control.name,
    value: control.value,
    isSwitch: control.type === "checkbox",
    isOn: control instanceof HTMLInputElement && control.checked,
    isNumber: control.dataset.number !== undefined,
    names: control.dataset.names?.split(" "),
  }));
}
