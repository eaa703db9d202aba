/**
 * Makes a heading or a list of a block, and back. The browser's own commands stop at a marker, as at
 * anything that cannot be edited, and would tear a cited paragraph apart.
 */

import { keepingCaret } from "./caret.js";

const WHOLE = "p, h1, h2, h3, h4, h5, h6";

/** @typedef {"heading" | "list"} Format */

/** @param {HTMLElement} block @param {Format} format @param {Element | null} at  what the caret is in */
export function toggle(block, format, at) {
  const line = block.querySelector(":scope > " + WHOLE.replaceAll(", ", ", :scope > "));
  const item = at?.closest("li") ?? null;
  keepingCaret(block, () => {
    if (format === "list" && item !== null) leaveList(item);
    else if (line !== null && (at === null || at === block || line.contains(at))) replace(line, format);
  });
}

/** @param {Element} line @param {Format} format */
function replace(line, format) {
  const isHeading = line.nodeName !== "P";
  const made = document.createElement(format === "list" ? "li" : isHeading ? "p" : "h2");
  made.append(...line.childNodes);
  if (format === "heading") return line.replaceWith(made);
  const [before, after] = [line.previousElementSibling, line.nextElementSibling].map((other) => (other?.nodeName === "UL" ? other : null));
  const list = before ?? document.createElement("ul");
  list.append(made, ...(after?.childNodes ?? []));
  after?.remove();
  if (before === null) line.replaceWith(list);
  else line.remove();
}

/** Make a paragraph of an item, between what comes before and after it. @param {Element} item */
function leaveList(item) {
  const list = /** @type {Element} */ (item.parentElement);
  const after = /** @type {Element} */ (list.cloneNode(false));
  while (item.nextSibling !== null) after.append(item.nextSibling);
  const isProse = item.querySelector("p, ul, ol, pre") === null;
  const paragraph = document.createElement("p");
  paragraph.append(...item.childNodes);
  list.after(...(isProse ? [paragraph] : paragraph.childNodes), ...(after.children.length > 0 ? [after] : []));
  item.remove();
  if (list.children.length === 0) list.remove();
}
