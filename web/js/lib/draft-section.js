/** The sections of a draft: what stands between one heading of the second level and the next. */

/**
 * The section that a piece belongs to, without its heading.
 * @param {string[]} pieces  the Markdown of the draft's blocks
 * @param {number} at        index of the piece
 * @returns {{start: number, end: number, title: string} | null} in UTF-16 code units of the text;
 *   null where there is no section or nothing in it
 */
export function sectionAt(pieces, at) {
  const first = pieces.findLastIndex((piece, i) => i <= at && /^\s*## /.test(piece));
  if (first < 0) return null;
  const next = pieces.findIndex((piece, i) => i > first && /^\s*##? /.test(piece));
  const start = pieces.slice(0, first + 1).join("").length;
  const body = pieces.slice(first + 1, next < 0 ? pieces.length : next).join("");
  if (body.trim() === "") return null;
  const lead = body.length - body.trimStart().length;
  return { start: start + lead, end: start + body.trimEnd().length, title: pieces[first].replace(/[#\n]/g, "").trim() };
}
