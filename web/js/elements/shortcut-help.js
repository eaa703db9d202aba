import { actionOf } from "../dom/find.js";
import { canBePressed, keysOf, targetOfKey } from "../dom/shortcuts.js";

/** Presses buttons and goes to fields by their keys, and lists the keys of this page. */
export class ShortcutHelp extends HTMLElement {
  #life = new AbortController();

  connectedCallback() {
    const { signal } = this.#life;
    document.addEventListener("keydown", (event) => this.#press(event), { signal });
    document.addEventListener("click", (event) => {
      if (actionOf(event)?.name === "shortcuts") this.#open();
    }, { signal });
  }

  disconnectedCallback() {
    this.#life.abort();
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const target = targetOfKey(event);
    if (target === null) return;
    event.preventDefault();
    if (target.matches("textarea, input[type=search]")) target.focus();
    else target.click();
  }

  #open() {
    const dialog = document.createElement("dialog");
    dialog.className = "dialog is-narrow";
    dialog.dataset.testid = "shortcut-help";
    const form = document.createElement("form");
    form.method = "dialog";
    form.append(
      Object.assign(document.createElement("h2"), { textContent: "Keyboard" }),
      this.#list(),
      Object.assign(document.createElement("button"), { textContent: "Close", className: "button is-primary" }),
    );
    dialog.append(form);
    dialog.addEventListener("close", () => dialog.remove());
    this.append(dialog);
    dialog.showModal();
  }

  #list() {
    const list = document.createElement("dl");
    list.className = "shortcuts";
    /** @type {NodeListOf<HTMLElement>} */
    const buttons = document.querySelectorAll("[data-key]");
    for (const button of buttons) {
      if (!canBePressed(button)) continue;
      const keys = document.createElement("dt");
      for (const key of keysOf(button)) {
        keys.append(Object.assign(document.createElement("kbd"), { textContent: key === "Escape" ? "Esc" : key.toUpperCase() }), " ");
      }
      const label = button.title.replace(/ \([^)]*\)$/, "");
      list.append(keys, Object.assign(document.createElement("dd"), { textContent: label }));
    }
    return list;
  }
}
