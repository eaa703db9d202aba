import { actionOf, setText, slot } from "../dom/find.js";
import { notifyError } from "../dom/messages.js";
import { localStorageOrNull } from "../dom/storage.js";
import { request } from "../lib/api.js";
import { newKey } from "../lib/idempotency-key.js";
import { TypedInput } from "../lib/typed-input.js";

/** @typedef {{type: string, description: string, action: "generate" | "edit", request: Record<string, any>}} Alternative */

/** "This doesn't look right": what is wrong, and three things that can be done about it. */
export class FeedbackDialog extends HTMLElement {
  #draftId = "";
  /** @type {Alternative[]} */
  #alternatives = [];

  connectedCallback() {
    this.addEventListener("click", (event) => this.#act(event));
    this.querySelector("form")?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
  }

  /** @param {string} draftId */
  open(draftId) {
    this.#draftId = draftId;
    this.setAttribute("state", "asking");
    this.#dialog.showModal();
  }

  get #dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
  }

  /** @param {Event} event */
  #act(event) {
    const action = actionOf(event);
    if (action?.name === "close") this.#dialog.close();
    if (action?.name === "choose-alternative") this.#choose(this.#alternatives[Number(action.button.dataset.index)]);
  }

  async #send() {
    const data = new FormData(/** @type {HTMLFormElement} */ (this.querySelector("form")));
    const body = { feedback_type: data.get("feedback_type"), comments: data.get("comments") };
    try {
      const { alternatives } = await request("POST", `/api/v1/drafts/${this.#draftId}/feedback`, { body });
      this.#alternatives = alternatives;
      slot(this, "alternatives").replaceChildren(...alternatives.map(drawAlternative));
      this.setAttribute("state", "answered");
      /** @type {HTMLElement | null} */ (this.querySelector("[data-action=choose-alternative]"))?.focus();
    } catch (error) {
      notifyError(error);
    }
  }

  /** @param {Alternative} alternative */
  async #choose({ action, request: body }) {
    const kbId = this.dataset.kbId ?? "";
    if (action === "edit") {
      // The dialog of a new draft takes up what was typed last.
      const { context = "", document_type: documentType, ...more } = body;
      new TypedInput(localStorageOrNull(), `generate:${kbId}`).keep({ context, documentType, more });
      location.assign(`/kb/${kbId}#new-draft`);
      return;
    }
    try {
      const headers = { Prefer: "respond-async", "Idempotency-Key": newKey() };
      const { draft_id: draftId } = await request("POST", "/api/v1/generate", { body: { ...body, on_disconnect: "continue" }, headers });
      location.assign(`/kb/${kbId}/drafts/${draftId}`);
    } catch (error) {
      notifyError(error);
    }
  }
}

/** @param {Alternative} alternative @param {number} index */
function drawAlternative({ type, description }, index) {
  const item = document.createElement("li");
  const button = Object.assign(document.createElement("button"), { type: "button", className: "alternative" });
  button.dataset.action = "choose-alternative";
  button.dataset.index = String(index);
  const title = Object.assign(document.createElement("strong"), { textContent: titleOf(type) });
  button.append(title, Object.assign(document.createElement("span"), { textContent: description }));
  item.append(button);
  return item;
}

/** @param {string} type */
function titleOf(type) {
  /** @type {Record<string, string>} */
  const titles = {
    re_search: "Search again",
    add_context: "Say more",
    start_fresh: "Start afresh",
    change_template: "Another type of document",
    edit_outline: "Change the outline",
    more_detail: "Write it in more detail",
    select_sources: "Pick the sources",
    regenerate: "Write it again",
  };
  return titles[type] ?? type;
}
