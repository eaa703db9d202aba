/** A card that shows where a statement comes from, made of the template the server made its own with. */

import { confidenceText } from "../lib/progress-text.js";
import { quoteFor, splitQuote } from "../lib/quote.js";
import { slot, stamp } from "./find.js";

/** @import {Citation} from "../lib/events.js" */

/**
 * @param {ParentNode} root  holds the template
 * @param {Citation} citation
 * @param {string} kbId      where the document is, unless the citation says so itself
 * @returns {HTMLElement}
 */
export function drawCitationCard(root, citation, kbId) {
  const card = stamp(root);
  const { number, confidence } = citation;
  const { level, words } = confidenceText(confidence);
  card.dataset.number = String(number);
  card.dataset.level = level;
  slot(card, "number").textContent = String(number);
  const link = /** @type {HTMLAnchorElement} */ (slot(card, "document"));
  link.textContent = citation.document_name;
  link.href = passagePath(citation, kbId);
  slot(card, "place").textContent = placeText(citation);
  drawExcerpt(slot(card, "excerpt"), citation);
  /** @type {HTMLMeterElement} */ (slot(card, "meter")).value = confidence;
  slot(card, "score").textContent = words;
  return card;
}

/**
 * The page that shows a passage in its document.
 * @param {Pick<Citation, "document_id" | "char_start" | "char_end" | "version" | "kb_id">} passage
 * @param {string} kbId
 */
export function passagePath({ document_id: id, char_start: start, char_end: end, version, kb_id: ownKb }, kbId) {
  const path = `/kb/${encodeURIComponent(ownKb ?? kbId)}/documents/${encodeURIComponent(id)}?highlight=${start}-${end}`;
  return version === undefined ? path : `${path}&version=${version}`;
}

/** @param {{page?: number | null, section?: string | null}} passage @returns {string} */
export function placeText({ page, section }) {
  return [page ? `page ${page}` : "", section ?? ""].filter(Boolean).join(" · ");
}

/**
 * Mark what supports a statement in a card whose citation does not say it.
 * @param {HTMLElement} card
 * @param {string} statement
 */
export function markSupport(card, statement) {
  const element = slot(card, "excerpt");
  if (element.querySelector("mark") !== null) return;
  const excerpt = element.textContent ?? "";
  const { start, end } = quoteFor(excerpt, statement);
  drawExcerpt(element, { excerpt, quote_start: start, quote_end: end });
}

/** @param {HTMLElement} element @param {Pick<Citation, "excerpt" | "quote_start" | "quote_end">} citation */
function drawExcerpt(element, { excerpt, quote_start: start = 0, quote_end: end = 0 }) {
  const { lead, before, quote, after } = splitQuote(excerpt, start, end);
  const skipped = Object.assign(document.createElement("span"), { className: "excerpt-lead", textContent: lead });
  const mark = Object.assign(document.createElement("mark"), { textContent: quote });
  element.replaceChildren(...(lead === "" ? [] : [skipped]), before, ...(quote === "" ? [] : [mark]), after);
}
