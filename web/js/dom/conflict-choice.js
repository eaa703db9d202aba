/** Asks which text shall stand where two people changed the same place. */

import { slot } from "./find.js";

/** @typedef {{start: number, end: number, mine: string, theirs: string}} Meeting  code points of the merged text */

/**
 * @param {HTMLDialogElement} dialog @param {Meeting[]} conflicts
 * @returns {Promise<"mine" | "theirs" | null>} null to decide later
 */
export function askWhich(dialog, conflicts) {
  slot(dialog, "conflicts").replaceChildren(...conflicts.map(drawConflict));
  dialog.returnValue = "";
  if (!dialog.open) dialog.showModal();
  return new Promise((resolve) => {
    const answer = () => resolve(dialog.returnValue === "mine" || dialog.returnValue === "theirs" ? dialog.returnValue : null);
    dialog.addEventListener("close", answer, { once: true });
  });
}

/** @param {Meeting} meeting */
function drawConflict({ mine, theirs }) {
  const item = document.createElement("li");
  for (const [title, text] of [["Your text", mine], ["The other text", theirs]]) {
    const side = document.createElement("section");
    side.append(Object.assign(document.createElement("h3"), { textContent: title }), Object.assign(document.createElement("p"), { textContent: text === "" ? "(removed)" : text }));
    item.append(side);
  }
  return item;
}
