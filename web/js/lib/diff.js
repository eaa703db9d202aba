/**
 * The difference of two texts, by words. Equal ends are taken off first; what is left is compared by
 * lines and, where lines were replaced, by words. A comparison that would take too long is given up:
 * then one whole is said to replace the other, which is true as well.
 */

/**
 * @typedef {{kind: "same" | "removed" | "added", text: string}} Change
 * @typedef {{from: number, to: number, items: string[]}} Hunk  replaces items `from` to `to` of the old list
 */

const MOST_EDITS = 1_500;
const SHORT_WORDS = 4;

/** @param {string} before @param {string} after @returns {Change[]} */
export function diffWords(before, after) {
  /** @type {Change[]} */
  const changes = [];
  const oldLines = linesOf(before);
  let at = 0;
  for (const { from, to, items } of hunks(oldLines, linesOf(after))) {
    put(changes, "same", oldLines.slice(at, from).join(""));
    compareWords(changes, oldLines.slice(from, to).join(""), items.join(""));
    at = to;
  }
  put(changes, "same", oldLines.slice(at).join(""));
  return readable(changes);
}

/** Join changes with only a word or two between them: so many small ones cannot be read. @param {Change[]} changes @returns {Change[]} */
function readable(changes) {
  /** @type {Change[]} */
  const joined = [];
  let removed = "";
  let added = "";
  const flush = () => {
    put(joined, "removed", removed);
    put(joined, "added", added);
    removed = added = "";
  };
  changes.forEach(({ kind, text }, i) => {
    const isBetween = removed + added !== "" && i < changes.length - 1;
    if (kind === "same" && !(isBetween && isShort(text))) {
      flush();
      put(joined, kind, text);
      return;
    }
    if (kind !== "added") removed += text;
    if (kind !== "removed") added += text;
  });
  flush();
  return joined;
}

/** @param {string} text */
function isShort(text) {
  return !text.includes("\n") && (text.match(/[\p{L}\p{N}]+/gu) ?? []).length < SHORT_WORDS;
}

/** Every line with its end. @param {string} text @returns {string[]} */
export function linesOf(text) {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/**
 * What turns one list into the other.
 * @param {string[]} before
 * @param {string[]} after
 * @returns {Hunk[]} in order, never touching each other
 */
export function hunks(before, after) {
  const start = commonStart(before, after);
  const end = commonEnd(before, after, start);
  const inner = before.slice(start, before.length - end);
  const found = shortestEdit(inner, after.slice(start, after.length - end));
  return found.map(({ from, to, items }) => ({ from: from + start, to: to + start, items }));
}

/** @param {readonly unknown[]} a @param {readonly unknown[]} b */
export function commonStart(a, b) {
  const most = Math.min(a.length, b.length);
  let size = 0;
  while (size < most && a[size] === b[size]) size += 1;
  return size;
}

/** @param {readonly unknown[]} a @param {readonly unknown[]} b @param {number} start  what is equal before */
export function commonEnd(a, b, start) {
  const most = Math.min(a.length, b.length) - start;
  let size = 0;
  while (size < most && a[a.length - 1 - size] === b[b.length - 1 - size]) size += 1;
  return size;
}

/** @param {Change[]} changes @param {string} before @param {string} after */
function compareWords(changes, before, after) {
  const oldWords = wordsOf(before);
  let at = 0;
  for (const { from, to, items } of hunks(oldWords, wordsOf(after))) {
    put(changes, "same", oldWords.slice(at, from).join(""));
    put(changes, "removed", oldWords.slice(from, to).join(""));
    put(changes, "added", items.join(""));
    at = to;
  }
  put(changes, "same", oldWords.slice(at).join(""));
}

/** @param {string} text @returns {string[]} */
function wordsOf(text) {
  return text.match(/\[\d+\]|[\p{L}\p{M}\p{N}_'’-]+|\s+|[^\s]/gu) ?? [];
}

/** @param {Change[]} changes @param {Change["kind"]} kind @param {string} text */
function put(changes, kind, text) {
  const last = changes.at(-1);
  if (text === "") return;
  if (last?.kind === kind) last.text += text;
  else changes.push({ kind, text });
}

/**
 * The greedy algorithm of Myers, "An O(ND) difference algorithm", 1986.
 * @param {string[]} a @param {string[]} b @returns {Hunk[]}
 */
function shortestEdit(a, b) {
  if (a.length === 0 && b.length === 0) return [];
  const trace = a.length === 0 || b.length === 0 ? null : search(a, b);
  return trace === null ? [{ from: 0, to: a.length, items: b }] : join(walkBack(trace, a, b));
}

/** @param {string[]} a @param {string[]} b @returns {Map<number, number>[] | null} */
function search(a, b) {
  const trace = [];
  let reach = new Map([[1, 0]]);
  for (let edits = 0; edits <= Math.min(MOST_EDITS, a.length + b.length); edits += 1) {
    const next = new Map();
    for (let k = -edits; k <= edits; k += 2) {
      let x = goesDown(reach, k, edits) ? (reach.get(k + 1) ?? 0) : (reach.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      next.set(k, x);
      if (x >= a.length && x - k >= b.length) return [...trace, reach, next];
    }
    trace.push(reach);
    reach = next;
  }
  return null;
}

/** @param {Map<number, number>} reach @param {number} k @param {number} edits */
function goesDown(reach, k, edits) {
  return k === -edits || (k !== edits && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1));
}

/**
 * @param {Map<number, number>[]} trace @param {string[]} a @param {string[]} b
 * @returns {Hunk[]} one for each edit, in order
 */
function walkBack(trace, a, b) {
  /** @type {Hunk[]} */
  const edits = [];
  let x = a.length;
  let y = b.length;
  for (let count = trace.length - 2; count > 0; count -= 1) {
    const reach = trace[count];
    const isDown = goesDown(reach, x - y, count);
    const k = isDown ? x - y + 1 : x - y - 1;
    const startX = reach.get(k) ?? 0;
    const startY = startX - k;
    edits.push(isDown ? { from: startX, to: startX, items: [b[startY]] } : { from: startX, to: startX + 1, items: [] });
    x = startX;
    y = startY;
  }
  return edits.reverse();
}

/** @param {Hunk[]} edits @returns {Hunk[]} */
function join(edits) {
  /** @type {Hunk[]} */
  const joined = [];
  for (const edit of edits) {
    const last = joined.at(-1);
    if (last !== undefined && last.to === edit.from) {
      last.to = edit.to;
      last.items.push(...edit.items);
    } else {
      joined.push({ ...edit, items: [...edit.items] });
    }
  }
  return joined;
}
