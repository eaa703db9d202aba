import { DelayedDelete } from "../dom/delayed-delete.js";
import { actionOf, slot } from "../dom/find.js";
import { notify, notifyError } from "../dom/messages.js";
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
    this.#show(row, false);
    const deletion = new DelayedDelete(`/api/v1/drafts/${row.dataset.id}`, {
      onDone: () => row.remove(),
      onFail: (error) => {
        this.#show(row, true);
        notifyError(error);
      },
    });
    notify({
      message: `“${row.dataset.title}” was deleted.`,
      actionLabel: "Undo",
      durationMs: DelayedDelete.undoMs,
      onAction: () => {
        deletion.undo();
        this.#show(row, true);
      },
    });
  }

  /** @param {HTMLElement} row @param {boolean} isShown */
  #show(row, isShown) {
    row.hidden = !isShown;
    slot(this, "empty").hidden = this.querySelector(".draft-row:not([hidden])") !== null;
  }
}
