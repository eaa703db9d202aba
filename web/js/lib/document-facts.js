/** What is known of a document, in a line. */

import { plural } from "./progress-text.js";

/**
 * @typedef {object} DocumentInfo
 * @property {string} id
 * @property {string} name
 * @property {"queued" | "processing" | "ready" | "failed"} status
 * @property {string | null} [run_id]
 * @property {string} [reason]
 * @property {string[]} [warnings]
 * @property {number} [size]     bytes
 * @property {number} [page_count]
 * @property {number} [words]
 * @property {number} [version]
 */

/** @param {Pick<DocumentInfo, "size" | "page_count" | "words" | "version">} document @returns {string} */
export function documentFacts({ size, page_count: pages, words, version = 1 }) {
  const facts = [];
  if (size) facts.push(sizeText(size));
  if (pages) facts.push(plural(pages, "page"));
  if (words) facts.push(plural(words, "word"));
  if (version > 1) facts.push(`version ${version}`);
  return facts.join(" · ");
}

/** @param {number} bytes @returns {string} */
export function sizeText(bytes) {
  if (bytes >= 1_000_000) return `${(bytes / 1_000_000).toFixed(1)} MB`;
  return bytes >= 1_000 ? `${Math.round(bytes / 1_000)} KB` : `${bytes} bytes`;
}
