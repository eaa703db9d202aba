/** Leaves a block as the server would have drawn it: markers for what was typed as one, no debris of editing. */

import { firstMarker } from "../lib/citation-markers.js";
import { keepingCaret } from "./caret.js";
import { drawMarker } from "./draw-inline.js";
import { BLOCKS } from "./to-markdown.js";

/** @param {HTMLElement} block */
export function tidy(block) {
  block.classList.add("block");
  const debris = block.querySelectorAll("span, font, [style]");
  const typed = Array.from(typedMarkers(block));
  const loose = Array.from(block.childNodes).filter(isLoose);
  if (debris.length + typed.length + loose.length === 0) return;
  keepingCaret(block, () => {
    for (const node of loose) if (node.parentNode === block) wrap(node);
    for (const element of debris) {
      if (element.matches("span, font")) element.replaceWith(...element.childNodes);
      else element.removeAttribute("style");
    }
    for (const node of typed) makeMarkers(node);
  });
}

/** Whether words stand outside of any paragraph, as after a list's first item was taken out. @param {Node} node */
function isLoose(node) {
  return !BLOCKS.has(node.nodeName) && (node.nodeValue ?? "x").trim() !== "";
}

/** Make a paragraph of a node and of what follows it, up to the next block. @param {Node} first */
function wrap(first) {
  const paragraph = document.createElement("p");
  first.parentNode?.insertBefore(paragraph, first);
  while (paragraph.nextSibling !== null && !BLOCKS.has(paragraph.nextSibling.nodeName)) paragraph.append(paragraph.nextSibling);
}

/** A marker is deleted or kept as a whole. @param {ParentNode} element */
export function keepMarkersWhole(element) {
  for (const marker of element.querySelectorAll(".citation-marker")) marker.setAttribute("contenteditable", "false");
}

/** @param {HTMLElement} block */
function* typedMarkers(block) {
  const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    if (firstMarker(node.nodeValue ?? "") !== null && node.parentElement?.closest("code, pre, a, button") === null) yield /** @type {Text} */ (node);
  }
}

/** @param {Text} node */
function makeMarkers(node) {
  const found = firstMarker(node.data);
  if (found === null) return;
  const typed = node.splitText(found.at);
  const rest = typed.splitText(found.length);
  const marker = drawMarker(found.number);
  marker.setAttribute("contenteditable", "false");
  typed.replaceWith(marker);
  makeMarkers(rest);
}
