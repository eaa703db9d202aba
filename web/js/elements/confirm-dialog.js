/** @import {Question} from "../dom/messages.js" */

/** Asks before something is lost for good, and says what. */
export class ConfirmDialog extends HTMLElement {
  #life = new AbortController();

  connectedCallback() {
    document.addEventListener("footnote:confirm", (event) => {
      this.#ask(/** @type {CustomEvent<Question & {resolve: (yes: boolean) => void}>} */ (event).detail);
    }, { signal: this.#life.signal });
  }

  disconnectedCallback() {
    this.#life.abort();
  }

  /** @param {Question & {resolve: (yes: boolean) => void}} question */
  #ask({ title, text, action, resolve }) {
    const dialog = document.createElement("dialog");
    dialog.className = "dialog is-narrow";
    dialog.dataset.testid = "confirm-dialog";
    const form = document.createElement("form");
    form.method = "dialog";
    const heading = Object.assign(document.createElement("h2"), { textContent: title });
    const body = Object.assign(document.createElement("p"), { textContent: text });
    const actions = Object.assign(document.createElement("footer"), { className: "dialog-actions" });
    actions.append(this.#button("Cancel", "", "button"), this.#button(action, "yes", "button is-danger"));
    form.append(heading, body, actions);
    dialog.append(form);
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    });
    this.append(dialog);
    dialog.showModal();
  }

  /** @param {string} label @param {string} value @param {string} className */
  #button(label, value, className) {
    return Object.assign(document.createElement("button"), { textContent: label, value, className });
  }
}
