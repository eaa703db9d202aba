/** Text that leaves the page: to the clipboard or into a file. */

import { notify, notifyError } from "./messages.js";

const NOT_ALLOWED = "The browser did not allow copying. Select the text and copy it by hand.";

/** @param {string} text @param {string} said  once it is copied */
export async function copyText(text, said) {
  try {
    await navigator.clipboard.writeText(text);
    notify({ message: said });
  } catch {
    notifyError(new Error(NOT_ALLOWED));
  }
}

/** @param {string} name @param {string} text @param {string} [type] */
export function download(name, text, type = "text/plain") {
  save(name, new Blob([text], { type: `${type};charset=utf-8` }));
}

/** @param {string} name @param {Blob} file */
export function save(name, file) {
  const url = URL.createObjectURL(file);
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
