import { deleteRow } from "../dom/delete-row.js";
import { actionOf, setText, slot, stamp } from "../dom/find.js";
import { notifyError } from "../dom/messages.js";
import { RunStream } from "../dom/run-stream.js";
import { localStorageOrNull } from "../dom/storage.js";
import { request } from "../lib/api.js";
import { debugLog } from "../lib/debug-log.js";
import { documentFacts } from "../lib/document-facts.js";
import { Slots } from "../lib/slots.js";

/** @import {RunEvent} from "../lib/events.js" */
/** @import {DocumentInfo} from "../lib/document-facts.js" */

const STATES = { queued: "Waiting", processing: "Reading", ready: "Ready", failed: "Failed" };
// A browser opens six connections to one host; these leave room for uploads and everything else.
const MOST_STREAMS = 2;

/**
 * The documents of a knowledge base. A document that is being read shows how far it is; one that
 * failed says why and can be tried again. Listens for `document-accepted` on the page and fires
 * `documents-changed` when one becomes ready or goes.
 */
export class DocumentList extends HTMLElement {
  #life = new AbortController();
  #slots = new Slots(MOST_STREAMS);
  #log = debugLog(localStorageOrNull(), console.debug);
  /** @type {Set<RunStream>} */
  #streams = new Set();

  connectedCallback() {
    const { signal } = this.#life;
    this.addEventListener("click", (event) => this.#act(event), { signal });
    document.addEventListener("document-accepted", (event) => {
      this.#accept(/** @type {CustomEvent<DocumentInfo>} */ (event).detail);
    }, { signal });
    for (const row of this.#rows()) this.#follow(row);
  }

  disconnectedCallback() {
    this.#life.abort();
    for (const stream of this.#streams) stream.close();
  }

  #rows() {
    return /** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll(".document-row"));
  }

  /** @param {DocumentInfo} document */
  #accept(document) {
    const known = Array.from(this.#rows()).find((row) => row.dataset.id === document.id);
    const row = known ?? stamp(this);
    if (known === undefined) slot(this, "list").prepend(row);
    this.#fill(row, document);
    this.#follow(row);
    this.#showEmpty();
  }

  /** @param {HTMLElement} row @param {DocumentInfo} document */
  #fill(row, { id, run_id: runId, name, status, reason = "", warnings = [], ...facts }) {
    Object.assign(row.dataset, { id, name, runId: runId ?? "", state: status });
    const link = /** @type {HTMLAnchorElement} */ (slot(row, "name"));
    link.href = `/kb/${this.dataset.kbId}/documents/${id}`;
    setText(link, name);
    setText(slot(row, "facts"), documentFacts(facts));
    setText(slot(row, "state"), STATES[status]);
    setText(slot(row, "reason"), reason);
    slot(row, "reason").hidden = reason === "";
    slot(row, "warnings").replaceChildren(...warnings.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
    slot(row, "warnings").hidden = warnings.length === 0;
    slot(row, "delete").setAttribute("aria-label", `Delete ${name}`);
    /** @type {HTMLProgressElement} */ (slot(row, "progress")).removeAttribute("value");
  }

  /** Show the progress of a row's run until it ends. @param {HTMLElement} row */
  async #follow(row) {
    const { runId, state } = row.dataset;
    if (!runId || (state !== "queued" && state !== "processing")) return;
    await this.#slots.run(async () => {
      const stream = new RunStream({ runId }, { onEvent: (event) => this.#show(row, event), log: this.#log });
      this.#streams.add(stream);
      const outcome = await stream.run();
      this.#streams.delete(stream);
      if (outcome.kind !== "closed") await this.#refresh(row);
    });
  }

  /** @param {HTMLElement} row @param {RunEvent} event */
  #show(row, event) {
    if (event.event !== "stage") return;
    row.dataset.state = "processing";
    setText(slot(row, "state"), event.message || STATES.processing);
    /** @type {HTMLProgressElement} */ (slot(row, "progress")).value = event.percent;
  }

  /** @param {HTMLElement} row */
  async #refresh(row) {
    try {
      this.#fill(row, await request("GET", `/api/v1/documents/${row.dataset.id}`));
      this.dispatchEvent(new CustomEvent("documents-changed", { bubbles: true }));
    } catch (error) {
      notifyError(error);
    }
  }

  /** @param {Event} event */
  #act(event) {
    const action = actionOf(event);
    const row = /** @type {HTMLElement | null | undefined} */ (action?.button.closest(".document-row"));
    if (!row) return;
    if (action?.name === "retry") this.#retry(row);
    if (action?.name === "delete") this.#delete(row);
  }

  /** @param {HTMLElement} row */
  async #retry(row) {
    try {
      const { run_id: runId } = await request("POST", `/api/v1/documents/${row.dataset.id}/retry`);
      Object.assign(row.dataset, { runId, state: "queued" });
      setText(slot(row, "state"), STATES.queued);
      slot(row, "reason").hidden = true;
      this.#follow(row);
    } catch (error) {
      notifyError(error);
    }
  }

  /** @param {HTMLElement} row */
  #delete(row) {
    deleteRow(row, {
      path: `/api/v1/documents/${row.dataset.id}`,
      message: `“${row.dataset.name}” was deleted. Drafts keep what they cite from it.`,
      onShown: () => this.#showEmpty(),
      onDone: () => this.dispatchEvent(new CustomEvent("documents-changed", { bubbles: true })),
    });
  }

  #showEmpty() {
    slot(this, "empty").hidden = Array.from(this.#rows()).some((row) => !row.hidden);
  }
}
