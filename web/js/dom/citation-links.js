/** Markers and cards belong together: hovering or choosing one shows the other. */

/** @import {CitationPopover} from "../elements/citation-popover.js" */
/** @import {CitationsPanel} from "../elements/citations-panel.js" */
/** @import {DraftText} from "../elements/draft-text.js" */

/**
 * @typedef {object} CitedText
 * @property {DraftText} text
 * @property {CitationsPanel} panel
 */

/**
 * @param {HTMLElement} root
 * @param {object} options
 * @param {(target: Element) => CitedText | null} options.partsOf  the text and the panel an event belongs to
 * @param {CitationPopover} options.popover
 * @param {AbortSignal} options.signal
 * @param {() => void} [options.onLeave]  the reader was led to another place of the page
 */
export function linkCitations(root, { partsOf, popover, signal, onLeave = () => {} }) {
  /** @param {string} name @param {(detail: any, parts: CitedText) => void} listener */
  const on = (name, listener) => {
    root.addEventListener(name, (event) => {
      const parts = partsOf(/** @type {Element} */ (event.target));
      if (parts !== null) listener(/** @type {CustomEvent} */ (event).detail, parts);
    }, { signal });
  };
  let unlight = () => {};
  on("citation-chosen", (number, { panel }) => {
    popover.hide();
    panel.pin(number);
  });
  on("citation-hovered", (hovered, { panel }) => {
    unlight();
    const card = panel.card(hovered?.number ?? 0);
    if (card === null) return popover.hide();
    panel.light(hovered.number, true);
    unlight = () => panel.light(hovered.number, false);
    popover.show(hovered.marker, card);
  });
  on("card-hovered", ({ number, isOver }, { text }) => text.light(number, isOver));
  on("sentence-chosen", (number, { text }) => {
    if (text.goToMarker(number)) onLeave();
  });
}
