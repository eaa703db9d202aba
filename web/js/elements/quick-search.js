import { setText, slot } from "../dom/find.js";
import { request } from "../lib/api.js";
import { Latest } from "../lib/latest.js";
import { quickFinds } from "../lib/quick-search.js";

/** @import {Find, QuickAnswer} from "../lib/quick-search.js" */

const HINT = "Type to find passages, documents, knowledge bases, drafts and conversations.";

/** Cmd/Ctrl-K: finds anything while one types, and goes there. */
export class QuickSearch extends HTMLElement {
  #life = new AbortController();
  /** @type {Latest<string, QuickAnswer>} */
  #latest = new Latest(
    (query, signal) => request("POST", "/api/v1/search/quick", { body: { query }, signal }),
    (answer, error) => this.#show(answer, error),
  );
  #current = 0;

  connectedCallback() {
    const { signal } = this.#life;
    document.addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
      event.preventDefault();
      this.#toggle();
    }, { signal });
    this.#input.addEventListener("input", () => this.#ask(), { signal });
    this.#input.addEventListener("keydown", (event) => this.#onKey(event), { signal });
    this.#finds.addEventListener("pointermove", (event) => this.#point(event), { signal });
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    }, { signal });
    this.#dialog.addEventListener("close", () => this.#latest.stop(), { signal });
  }

  disconnectedCallback() {
    this.#life.abort();
    this.#latest.stop();
  }

  get #dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
  }

  get #input() {
    return /** @type {HTMLInputElement} */ (slot(this, "input"));
  }

  get #finds() {
    return slot(this, "finds");
  }

  /** @returns {HTMLAnchorElement[]} */
  get #links() {
    return Array.from(this.#finds.querySelectorAll("a"));
  }

  #toggle() {
    if (this.#dialog.open) return this.#dialog.close();
    if (document.querySelector("dialog[open]") !== null) return;
    this.#dialog.showModal();
    this.#input.select();
  }

  #ask() {
    const query = this.#input.value.trim();
    if (query !== "") return this.#latest.ask(query);
    this.#latest.stop();
    this.#finds.replaceChildren();
    setText(slot(this, "note"), HINT);
  }

  /** @param {QuickAnswer | null} answer @param {unknown} error */
  #show(answer, error) {
    const finds = quickFinds(this.#input.value.trim(), answer ?? {});
    const found = finds.length - 1;
    const { message = "" } = /** @type {{message?: string}} */ (error ?? {});
    setText(slot(this, "note"), message || (found === 0 ? "Nothing was found by these words." : `${found} found`));
    this.#finds.replaceChildren(...groupsOf(finds));
    this.#choose(0);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const count = this.#links.length;
    const steps = /** @type {Record<string, number>} */ ({ ArrowDown: 1, ArrowUp: -1 });
    if (event.key in steps && count > 0) {
      event.preventDefault();
      this.#choose((this.#current + steps[event.key] + count) % count);
    }
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    const link = this.#links[this.#current];
    const query = this.#input.value.trim();
    if (link !== undefined) link.click();
    else if (query !== "") location.assign(`/search?q=${encodeURIComponent(query)}`);
  }

  /** @param {Event} event */
  #point(event) {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const index = link === null ? -1 : this.#links.indexOf(link);
    if (index !== -1 && index !== this.#current) this.#choose(index);
  }

  /** @param {number} index */
  #choose(index) {
    this.#current = index;
    this.#links.forEach((link, i) => link.setAttribute("aria-selected", String(i === index)));
    const link = this.#links[index];
    link?.scrollIntoView({ block: "nearest" });
    this.#input.setAttribute("aria-activedescendant", link?.id ?? "");
  }
}

/** @param {Find[]} finds @returns {HTMLElement[]} */
function groupsOf(finds) {
  /** @type {Map<string, HTMLElement>} */
  const groups = new Map();
  finds.forEach((find, i) => {
    const group = groups.get(find.group) ?? drawGroup(find.group);
    groups.set(find.group, group);
    group.append(drawFind(find, i));
  });
  return Array.from(groups.values());
}

/** @param {string} name */
function drawGroup(name) {
  const group = Object.assign(document.createElement("div"), { className: "quick-group" });
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", name);
  const heading = Object.assign(document.createElement("p"), { textContent: name });
  heading.setAttribute("aria-hidden", "true");
  group.append(heading);
  return group;
}

/** @param {Find} find @param {number} index */
function drawFind({ title, detail, href }, index) {
  const link = Object.assign(document.createElement("a"), { href, id: `quick-find-${index}`, tabIndex: -1 });
  link.setAttribute("role", "option");
  link.append(
    Object.assign(document.createElement("span"), { className: "quick-title", textContent: title }),
    Object.assign(document.createElement("span"), { className: "quick-detail", textContent: detail }),
  );
  return link;
}
