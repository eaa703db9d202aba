import { deleteRow } from "../dom/delete-row.js";
import { actionOf, slot } from "../dom/find.js";
import { notifyError } from "../dom/messages.js";
import { request } from "../lib/api.js";

/** The drafts of a knowledge base; a deleted one can be called back for a moment. */
export class DraftList extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => {
      const action = actionOf(event);
      const row = /** @type {HTMLElement | null | undefined} */ (action?.button.closest(".draft-row"));
      if (action?.name === "delete" && row) this.#delete(row);
      if (action?.name === "duplicate" && row) this.#duplicate(row);
    });
    const form = this.querySelector("form");
    form?.addEventListener("change", (event) => {
      if (event.target instanceof HTMLSelectElement) form.requestSubmit();
    });
  }

  /** @param {HTMLElement} row */
  async #duplicate(row) {
    try {
      const { id, kb_id: kbId } = await request("POST", `/api/v1/drafts/${row.dataset.id}/duplicate`, { body: {} });
      location.assign(`/kb/${kbId}/drafts/${id}`);
    } catch (error) {
      notifyError(error);
    }
  }

  /** @param {HTMLElement} row */
  #delete(row) {
    deleteRow(row, {
      path: `/api/v1/drafts/${row.dataset.id}`,
      message: `“${row.dataset.title}” was deleted.`,
      onShown: () => this.#showEmpty(),
    });
  }

  #showEmpty() {
    slot(this, "empty").hidden = this.querySelector(".draft-row:not([hidden])") !== null;
  }
}
