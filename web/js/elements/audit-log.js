import { actionOf, setText, slot, stamp } from "../dom/find.js";
import { request } from "../lib/api.js";
import { auditPath, inWords } from "../lib/audit.js";

/** @import {AuditEntry} from "../lib/audit.js" */

/** Who did what, newest first: filtered as one types, older entries on demand, all of it as CSV. */
export class AuditLog extends HTMLElement {
  #life = new AbortController();
  /** @type {number | null} */
  #next = null;
  #asked = 0;

  connectedCallback() {
    const { signal } = this.#life;
    this.addEventListener("change", () => this.#show(), { signal });
    this.addEventListener("click", (event) => {
      if (actionOf(event)?.name === "more") this.#load();
    }, { signal });
    this.#show();
  }

  disconnectedCallback() {
    this.#life.abort();
  }

  #show() {
    this.#next = null;
    this.#load();
  }

  async #load() {
    const asked = ++this.#asked;
    const before = this.#next;
    try {
      const page = await request("GET", auditPath(this.#wanted(), before), { signal: this.#life.signal });
      if (asked !== this.#asked) return;
      this.#draw(page, before === null);
    } catch (error) {
      if (asked === this.#asked && !this.#life.signal.aborted) this.#note(/** @type {Error} */ (error).message);
    }
  }

  #wanted() {
    const data = new FormData(/** @type {HTMLFormElement} */ (slot(this, "filter")));
    return /** @type {Record<string, string>} */ (Object.fromEntries(data));
  }

  /** @param {{entries: AuditEntry[], next: number | null, actions: string[]}} page @param {boolean} isFirst */
  #draw({ entries, next, actions }, isFirst) {
    this.#next = next;
    this.#offer(actions);
    const rows = slot(this, "rows");
    if (isFirst) rows.replaceChildren();
    rows.append(...entries.map((entry) => this.#row(entry)));
    slot(this, "more").hidden = next === null;
    this.#note(rows.childElementCount === 0 ? "Nothing of this kind was done." : "");
  }

  /** @param {AuditEntry} entry */
  #row(entry) {
    const row = stamp(this);
    const { at, user, action, what } = inWords(entry);
    slot(row, "at").textContent = at;
    slot(row, "user").textContent = user;
    slot(row, "action").textContent = action;
    slot(row, "what").textContent = what;
    slot(row, "address").textContent = entry.address;
    slot(row, "request").textContent = entry.request_id;
    return row;
  }

  /** @param {string[]} actions */
  #offer(actions) {
    const select = slot(this, "actions");
    if (select.childElementCount > 1) return;
    select.append(...actions.map((name) => new Option(inWords({ action: name }).action, name)));
  }

  /** @param {string} text */
  #note(text) {
    setText(slot(this, "note"), text);
  }
}
