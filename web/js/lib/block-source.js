/**
 * The Markdown of single blocks: where a block ends, what kind it is, and how one that was edited
 * takes its place among the others, which stay as they were to the byte.
 */

import { keepLines } from "./kept-lines.js";

/**
 * @typedef {{source: string, written: string | null}} Piece  `written`: our way of writing what is shown
 * @typedef {{source: string, isNewKind: boolean, isMoved?: boolean}} Rewritten  `isMoved`: it follows
 *   another block than before
 */

/** A block without the blank lines around it. @param {string} source */
export function split(source) {
  const lead = /^(?:[ \t]*\n)*/.exec(source)?.[0] ?? "";
  const body = source.slice(lead.length).trimEnd();
  return { lead, body, end: source.slice(lead.length + body.length) };
}

/** Ended so that one blank line parts it from the next block. @param {string} source @param {string} next */
export function parted(source, next) {
  const led = split(next).lead.split("\n").length - 1;
  return source.trimEnd() + "\n".repeat(Math.max(0, 2 - led));
}

/** Ended for a block that did not follow before: lists become one, all else is parted. @param {string} source @param {string} next @param {boolean} isNew */
function met(source, next, isNew) {
  const [kind, nextKind] = [source, next].map((text) => kindOf(split(text).body).replace("…", ""));
  if (kind !== nextKind || !/^[-*+1|]/.test(kind) || (isNew && kind === "|")) return parted(source, next);
  return split(next).lead === "" ? `${source.trimEnd()}\n` : source.trimEnd();
}

/** What kind of block a text begins as. @param {string} text */
export function kindOf(text) {
  const begin = /^(#|[-*+] |\d+[.)] |>|```|~~~|\|)/.exec(text)?.[1] ?? "";
  return `${begin.replace(/\d+/, "1")}${text.includes("\n\n") ? "…" : ""}`;
}

/** Whether a text is more than words within one paragraph. @param {string} text */
export function holdsBlocks(text) {
  return /\n\s*\n|^(#{1,6} |[-*+] |\d+[.)] |> |```|\|)/m.test(text);
}

/**
 * The Markdown of a block that was edited, as near to what it was as can be.
 * @param {Piece | undefined} before  undefined for a block that is new
 * @param {string} now                what is shown, in our own way of writing
 * @returns {Rewritten}
 */
export function rewrite(before, now) {
  const { lead, body, end } = split(before?.source ?? "");
  const kept = keepLines(body, before?.written ?? "", now);
  if (kept === "") return { source: "", isNewKind: false };
  const isNewKind = before === undefined || kindOf(before.written ?? "") !== kindOf(now) || end === "";
  return { source: lead + kept + end, isNewKind };
}

/** Put blocks in the place of one. @param {string[]} pieces @param {number} index @param {string[]} blocks @returns {string[]} */
export function withBlocks(pieces, index, blocks) {
  const kept = (/** @type {string} */ source) => ({ source, isNewKind: false });
  const made = blocks.map((source) => ({ source, isNewKind: true }));
  return inOrder([...pieces.slice(0, index).map(kept), ...made, ...pieces.slice(index + 1).map(kept)]);
}

/** Put blocks one after the other, with a blank line where two have not met before. @param {Rewritten[]} blocks @returns {string[]} */
export function inOrder(blocks) {
  /** @type {string[]} */
  const pieces = [];
  let before = -1;
  let isOpen = false;
  for (const { source, isNewKind, isMoved = false } of blocks) {
    pieces.push(source);
    isOpen ||= isMoved;
    if (source === "") continue;
    if (before >= 0 && (isNewKind || isOpen)) pieces[before] = met(pieces[before], source, isNewKind);
    before = pieces.length - 1;
    isOpen = isNewKind;
  }
  return pieces;
}
