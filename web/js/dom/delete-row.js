/** A row of a list goes at once, and can be called back for a moment. */

import { DelayedDelete } from "./delayed-delete.js";
import { notify, notifyError } from "./messages.js";

/**
 * @param {HTMLElement} row
 * @param {object} deletion
 * @param {string} deletion.path         of what the row shows
 * @param {string} deletion.message
 * @param {() => void} deletion.onShown  the row went, or came back
 * @param {() => void} [deletion.onDone]
 */
export function deleteRow(row, { path, message, onShown, onDone = () => {} }) {
  const show = (/** @type {boolean} */ isShown) => {
    row.hidden = !isShown;
    onShown();
  };
  show(false);
  const deletion = new DelayedDelete(path, {
    onDone: () => {
      row.remove();
      onDone();
    },
    onFail: (error) => {
      show(true);
      notifyError(error);
    },
  });
  notify({
    message,
    actionLabel: "Undo",
    durationMs: DelayedDelete.undoMs,
    onAction: () => {
      deletion.undo();
      show(true);
    },
  });
}
