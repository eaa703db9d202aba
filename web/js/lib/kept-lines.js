/** Markdown can say one thing in several ways; a line nobody changed keeps the way it was written. */

import { commonEnd, commonStart } from "./diff.js";

/**
 * @param {string} source  as it was written
 * @param {string} before  the same in our own way of writing
 * @param {string} after   in our own way, changed
 * @returns {string}
 */
export function keepLines(source, before, after) {
  if (source === before) return after;
  if (before === after) return source;
  const [written, old, now] = [source, before, after].map((text) => text.split("\n"));
  if (written.length !== old.length) return after;
  const start = commonStart(old, now);
  const end = commonEnd(old, now, start);
  return [...written.slice(0, start), ...now.slice(start, now.length - end), ...written.slice(written.length - end)].join("\n");
}
