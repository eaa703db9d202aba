/** Places in the shown text, as numbers that outlive the nodes. */

/** The character that stands for a place while a block is written down. */
export const PLACE = "\ue000";

/** How many characters of an element stand before a place in it. @param {Node} element @param {Node} node @param {number} offset */
export function offsetIn(element, node, offset) {
  const range = document.createRange();
  range.selectNodeContents(element);
  range.setEnd(node, offset);
  return range.toString().length;
}

/** Put the caret behind so many characters of an element. @param {Node} element @param {number} offset */
export function placeCaret(element, offset) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let left = offset;
  /** @type {Text | null} */
  let last = null;
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const size = node.nodeValue?.length ?? 0;
    if (left <= size && node.parentElement?.closest(".citation-marker") === null) {
      getSelection()?.collapse(node, left);
      return;
    }
    left = Math.max(0, left - size);
    if (node.nodeValue?.trim() !== "") last = /** @type {Text} */ (node);
  }
  if (last !== null && last.parentElement?.closest(".citation-marker") === null) {
    getSelection()?.collapse(last, last.data.trimEnd().length);
    return;
  }
  getSelection()?.selectAllChildren(element);
  getSelection()?.collapseToEnd();
}

/** Change what is in an element, and leave the caret at the same character. @param {HTMLElement} element @param {() => void} change */
export function keepingCaret(element, change) {
  const { focusNode = null, focusOffset = 0 } = getSelection() ?? {};
  const offset = focusNode !== null && element.contains(focusNode) ? offsetIn(element, focusNode, focusOffset) : null;
  change();
  if (offset !== null) placeCaret(element, offset);
}

/**
 * A copy of an element with marks at places in it.
 * @param {Node} element
 * @param {{node: Node, offset: number}[]} places  last first
 */
export function copyWithPlaces(element, places) {
  const copy = /** @type {HTMLElement} */ (element.cloneNode(true));
  for (const { node, offset } of places) {
    const range = document.createRange();
    range.setStart(follow(copy, pathTo(element, node)), offset);
    range.insertNode(document.createTextNode(PLACE));
  }
  return copy;
}

/** @param {Node} root @param {Node} node */
function pathTo(root, node) {
  const path = [];
  for (let at = node; at !== root; at = /** @type {Node} */ (at.parentNode)) {
    path.unshift(Array.prototype.indexOf.call(at.parentNode?.childNodes, at));
  }
  return path;
}

/** @param {Node} root @param {number[]} path @returns {Node} */
function follow(root, path) {
  return path.reduce((node, i) => node.childNodes[i], root);
}
