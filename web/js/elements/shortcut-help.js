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
    const found = document.querySelectorAll("[data-key], [aria-keyshortcuts]");
    for (const element of found) {
      const isThere = element.matches("[data-key]") ? canBePressed(element) : element.checkVisibility();
      if (isThere) list.append(drawKeys(element), Object.assign(document.createElement("dd"), { textContent: labelOf(element) }));
    }
    return list;
  }
}

/** @param {HTMLElement} element */
function drawKeys(element) {
  const [chord] = (element.getAttribute("aria-keyshortcuts") ?? "").split(" ");
  const keys = element.matches("[data-key]") ? keysOf(element) : [chord];
  const term = document.createElement("dt");
  for (const key of keys) term.append(Object.assign(document.createElement("kbd"), { textContent: nameOf(key) }), " ");
  return term;
}

/** @param {string} key as a browser or ARIA names it */
function nameOf(key) {
  if (key.length === 1) return key.toUpperCase();
  return key.replace("Control", "Ctrl").replace("Escape", "Esc").replaceAll("+", " + ");
}

/** @param {HTMLElement} element */
function labelOf(element) {
  return element.dataset.label ?? element.title.replace(/ \([^)]*\)$/, "");
}
