/** What the sources do not support well: how much of a draft it is, and the way from one place to the next. */

import { isDoubtful } from "../lib/draft-state.js";
import { plural } from "../lib/progress-text.js";
import { setText, slot } from "./find.js";

/** @import {Coverage} from "./draft-support.js" */

/** @param {HTMLElement} line  says how much is supported, and has the buttons to go on @param {Coverage} coverage */
export function showCoverage(line, { supported, total, sentences }) {
  const toCheck = sentences.filter(({ verdict }) => verdict === "check").length;
  const note = toCheck > 0 ? `, ${toCheck} of them to check` : "";
  setText(slot(line, "coverage"), total === 0 ? "" : `${supported} of ${plural(total, "sentence")} supported${note}`);
  for (const button of line.querySelectorAll("button")) button.hidden = !sentences.some(isDoubtful);
}

/**
 * Lead to the next place that should be looked at again.
 * @param {HTMLElement} text
 * @param {1 | -1} by
 * @returns {boolean} whether there is one
 */
export function goToDoubtful(text, by) {
  /** @type {HTMLElement[]} */
  const blocks = Array.from(text.querySelectorAll(":scope > [data-doubtful]"));
  if (blocks.length === 0) return false;
  const at = blocks.findIndex((block) => block.classList.contains("is-current"));
  const next = blocks[(Math.max(at, by < 0 ? 0 : -1) + by + blocks.length) % blocks.length];
  for (const block of blocks) block.classList.toggle("is-current", block === next);
  next.scrollIntoView({ block: "center" });
  return true;
}
