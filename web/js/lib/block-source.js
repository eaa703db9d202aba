/**
 * The Markdown of single blocks: where a block ends, what kind it is, and how one that was edited
 * takes its place among the others, which stay as they were to the byte.
 */

import { keepLines } from "./kept-lines.js";

/**
 * @typedef {{source: string, written: string | null}} Piece  `written`: our way of writing what is shown
 * @typedef {{source: string, isNewKind: boolean}} Rewritten
 */

/** A block without the blank lines around it. @param {string} source */
export function split(source) {
  const lead = /^(?:[ \t]*\n)*/.exec(source)?.[0] ?? "";
  const body = source.slice(lead.length).trimEnd();
  return { lead, body, end: source.slice(lead.length + body.length) };
}

/** Ended so that the next block cannot run into it. @param {string} source @param {string} [next] */
export function parted(source, next = "") {
  return /\n[ \t]*\n[ \t]*$/.test(source + split(next).lead) ? source : `${source.trimEnd()}\n\n`;
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
 * @param {boolean} isLast
 * @returns {Rewritten}
 */
export function rewrite(before, now, isLast) {
  const { lead, body, end } = split(before?.source ?? "");
  const kept = keepLines(body, before?.written ?? "", now);
  if (kept === "") return { source: "", isNewKind: false };
  const isNewKind = before === undefined || kindOf(before.written ?? "") !== kindOf(now) || end === "";
  const source = lead + kept + end;
  return { source: isNewKind && !isLast ? parted(source) : source, isNewKind };
}

/** Put blocks one after the other, parting those of a new kind from the one before. @param {Rewritten[]} blocks @returns {string[]} */
export function inOrder(blocks) {
  /** @type {string[]} */
  const pieces = [];
  let before = -1;
  for (const { source, isNewKind } of blocks) {
    if (isNewKind && source !== "" && before >= 0) pieces[before] = parted(pieces[before], source);
    if (source !== "") before = pieces.length;
    pieces.push(source);
  }
  return pieces;
}
