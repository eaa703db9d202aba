/** The lines above a draft that say which of its citations need a look, each with a button to mend them. */

import { setText, slot } from "./find.js";

/** @typedef {{code: string, numbers: number[], message: string, severity: string}} Warning */

const MOST_NAMED = 8;

/** Show the lines for these warnings and hide the others. @param {HTMLElement} editor @param {Warning[]} warnings */
export function showWarnings(editor, warnings) {
  /** @type {NodeListOf<HTMLElement>} */
  const items = editor.querySelectorAll("[data-warning]");
  for (const item of items) {
    const warning = warnings.find(({ code }) => code === item.dataset.warning);
    item.hidden = warning === undefined;
    if (warning !== undefined) setText(slot(item, "text"), `${warning.message} ${listed(warning.numbers)}`);
  }
}

/** @param {number[]} numbers */
function listed(numbers) {
  return numbers.slice(0, MOST_NAMED).map((number) => `[${number}]`).join(" ") + (numbers.length > MOST_NAMED ? " …" : "");
}
