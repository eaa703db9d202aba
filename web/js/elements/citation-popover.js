import { markSupport } from "../dom/citation-card.js";
import { lastSentence } from "../lib/quote.js";

const GAP_PX = 8;

/** A card beside its marker, in the top layer so that nothing clips it. */
export class CitationPopover extends HTMLElement {
  connectedCallback() {
    this.popover = "manual";
    this.setAttribute("role", "tooltip");
  }

  /**
   * @param {HTMLElement} marker
   * @param {HTMLElement} card  is copied
   */
  show(marker, card) {
    const copy = /** @type {HTMLElement} */ (card.cloneNode(true));
    copy.removeAttribute("data-testid");
    copy.classList.remove("is-lit");
    for (const control of copy.querySelectorAll("button, a")) control.setAttribute("tabindex", "-1");
    this.replaceChildren(copy);
    markSupport(copy, lastSentence(textBefore(marker)));
    if (!this.matches(":popover-open")) this.showPopover();
    this.#place(marker.getBoundingClientRect());
  }

  hide() {
    if (this.matches(":popover-open")) this.hidePopover();
  }

  /** @param {DOMRect} anchor */
  #place(anchor) {
    const { width, height } = this.getBoundingClientRect();
    const left = Math.min(Math.max(GAP_PX, anchor.left + anchor.width / 2 - width / 2), innerWidth - width - GAP_PX);
    const below = anchor.bottom + GAP_PX;
    const top = below + height <= innerHeight ? below : Math.max(GAP_PX, anchor.top - height - GAP_PX);
    this.style.left = `${left}px`;
    this.style.top = `${top}px`;
  }
}

/** What the reader has read of a paragraph up to a marker, without markers. @param {HTMLElement} marker */
function textBefore(marker) {
  const paragraph = marker.closest("p, li, td, blockquote");
  if (paragraph === null) return "";
  const read = document.createRange();
  read.setStart(paragraph, 0);
  read.setEndBefore(marker);
  return read.toString().replace(/\[\d+\]/g, "");
}
