/** What an element says to the reader through the page's toasts and its confirm dialog. */

/**
 * @typedef {object} Toast
 * @property {string} message
 * @property {"info" | "error"} [kind]
 * @property {string} [code]         small print, for support
 * @property {string} [actionLabel]
 * @property {() => void} [onAction]
 * @property {number} [durationMs]   errors stay until dismissed
 */

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {string} text    what is lost
 * @property {string} action  the label of the button that goes ahead
 */

/** @param {Toast} toast */
export function notify(toast) {
  document.dispatchEvent(new CustomEvent("footnote:toast", { detail: toast }));
}

/** @param {unknown} error */
export function notifyError(error) {
  const { message, code } = /** @type {{message?: string, code?: string}} */ (error);
  notify({ message: message ?? "Something went wrong. Try again in a moment.", code, kind: "error" });
}

/**
 * @param {Question} question
 * @returns {Promise<boolean>}
 */
export function askToConfirm(question) {
  return new Promise((resolve) => {
    document.dispatchEvent(new CustomEvent("footnote:confirm", { detail: { ...question, resolve } }));
  });
}
