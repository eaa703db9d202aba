/** Icons are symbols of one file. */

const SVG = "http://www.w3.org/2000/svg";
const FILE = new URL("../../icons.svg", import.meta.url).pathname;

/** @param {string} name @returns {SVGElement} */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${FILE}#${name}`);
  svg.append(use);
  return svg;
}
