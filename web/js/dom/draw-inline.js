/** Draws the formatted words of `lib/open-block.js`. */

/** @import {Inline} from "../lib/open-block.js" */

/** @param {Inline} inline @returns {Node} */
export function drawInline({ text, strong, em, code, marker }) {
  if (marker !== undefined) return drawMarker(marker);
  const names = [code && "code", strong && "strong", em && "em"].filter((name) => typeof name === "string");
  return names.reduce((/** @type {Node} */ inner, name) => {
    const outer = document.createElement(name);
    outer.append(inner);
    return outer;
  }, document.createTextNode(text));
}

/** The same button as the server's renderer makes. @param {number} number */
export function drawMarker(number) {
  const marker = document.createElement("button");
  marker.type = "button";
  marker.className = "citation-marker";
  marker.dataset.number = String(number);
  marker.dataset.testid = "citation-marker";
  marker.setAttribute("aria-label", `Citation ${number}`);
  marker.textContent = `[${number}]`;
  return marker;
}
