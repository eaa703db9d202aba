import { icon } from "../dom/icon.js";
import { localStorageOrNull } from "../dom/storage.js";

const NEXT = { system: "light", light: "dark", dark: "system" };
const LABELS = { system: "as the system", light: "light", dark: "dark" };
const ICONS = { system: "theme", light: "sun", dark: "moon" };

/** @typedef {keyof typeof NEXT} Theme */

/** Goes through system, light and dark; the choice is kept in this browser. */
export class ThemeToggle extends HTMLElement {
  #button = document.createElement("button");

  connectedCallback() {
    this.#button.type = "button";
    this.#button.className = "icon-button";
    this.#button.dataset.key = "t";
    this.#button.addEventListener("click", () => this.#choose(NEXT[this.#theme]));
    this.replaceChildren(this.#button);
    this.#show();
  }

  /** @returns {Theme} */
  get #theme() {
    const theme = document.documentElement.dataset.theme;
    return theme === "light" || theme === "dark" ? theme : "system";
  }

  /** @param {string} theme */
  #choose(theme) {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    try {
      localStorageOrNull()?.setItem("footnote:theme", theme);
    } catch {
      // The choice then lasts as long as the page.
    }
    this.#show();
  }

  #show() {
    const label = `Colours: ${LABELS[this.#theme]}`;
    this.#button.title = `${label} (T)`;
    this.#button.setAttribute("aria-label", label);
    this.#button.replaceChildren(icon(ICONS[this.#theme]));
  }
}
