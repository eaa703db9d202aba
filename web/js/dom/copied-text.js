/** What goes to the clipboard and comes from it: Markdown, so that markers and emphasis survive. */

import { formatInline } from "../lib/open-block.js";
import { drawInline } from "./draw-inline.js";
import { parseForeign } from "./final-html.js";
import { markdownOf } from "./to-markdown.js";
import { keepMarkersWhole } from "./typed-markers.js";

const COPIED = "text/x-footnote-markdown";

/** @param {Range} range @param {DataTransfer} data */
export function copyRange(range, data) {
  const holder = document.createElement("div");
  holder.append(range.cloneContents());
  const text = markdownOf(holder);
  data.setData("text/plain", text);
  data.setData(COPIED, text);
  data.setData("text/html", holder.innerHTML);
}

/** @param {DataTransfer | null} data @returns {string} Markdown */
export function copiedText(data) {
  const own = data?.getData(COPIED);
  if (own) return own;
  const html = data?.getData("text/html") ?? "";
  const written = html === "" ? "" : markdownOf(parseForeign(html));
  return written !== "" ? written : (data?.getData("text/plain") ?? "").replace(/\r\n?/g, "\n");
}

/** Put words of one paragraph at a place, and the caret behind them. @param {Range} range @param {string} text */
export function insertWords(range, text) {
  const fragment = document.createDocumentFragment();
  fragment.append(...formatInline(text.replace(/\s*\n\s*/g, " ")).map(drawInline));
  const last = fragment.lastChild;
  if (last === null) return;
  keepMarkersWhole(fragment);
  range.insertNode(fragment);
  range.setStartAfter(last);
  range.collapse(true);
}
