import { icon } from "../dom/icon.js";

/** @import {Toast} from "../dom/messages.js" */

const SHOWN_MS = 5_000;

/** Short messages in a corner. Errors stay until they are dismissed. */
export class ToastStack extends HTMLElement {
  #life = new AbortController();

  connectedCallback() {
    document.addEventListener("footnote:toast", (event) => this.#show(/** @type {CustomEvent<Toast>} */ (event).detail), { signal: this.#life.signal });
  }

  disconnectedCallback() {
    this.#life.abort();
  }

  /** @param {Toast} toast */
  #show({ message, kind = "info", code, actionLabel, onAction, durationMs }) {
    const toast = document.createElement("div");
    toast.className = `toast is-${kind}`;
    toast.setAttribute("role", kind === "error" ? "alert" : "status");
    if (kind === "error") toast.dataset.testid = "error-toast";
    const text = document.createElement("p");
    text.textContent = message;
    if (code !== undefined) text.append(this.#smallPrint(code));
    toast.append(icon(kind === "error" ? "alert" : "check"), text);
    const close = () => toast.remove();
    if (actionLabel !== undefined) toast.append(this.#button(actionLabel, "button is-small", () => { close(); onAction?.(); }));
    toast.append(this.#closeButton(close));
    this.append(toast);
    const lifeMs = durationMs ?? (kind === "error" ? Infinity : SHOWN_MS);
    if (lifeMs < Infinity) setTimeout(close, lifeMs);
  }

  /** @param {string} code */
  #smallPrint(code) {
    const small = document.createElement("small");
    small.textContent = code;
    return small;
  }

  /** @param {string} label @param {string} className @param {() => void} onClick */
  #button(label, className, onClick) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = className;
    button.textContent = label;
    button.addEventListener("click", onClick);
    return button;
  }

  /** @param {() => void} close */
  #closeButton(close) {
    const button = this.#button("", "icon-button", close);
    button.setAttribute("aria-label", "Dismiss");
    button.title = "Dismiss";
    button.append(icon("close"));
    return button;
  }
}
