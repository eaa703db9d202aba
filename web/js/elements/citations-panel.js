import { drawCitationCard } from "../dom/citation-card.js";
import { actionOf, setText, slot } from "../dom/find.js";
import { plural } from "../lib/progress-text.js";

/** @import {Citation} from "../lib/events.js" */

/**
 * One card for each citation, in the order of their numbers. Fires `sentence-chosen` with a number
 * (go to where it is cited) and `card-hovered` with {number, isOver}. The attribute `open` opens it
 * where it is a sheet or folded; with `in-flow` its cards scroll with the page; `data-noun` says what
 * the cards are.
 */
export class CitationsPanel extends HTMLElement {
  #pinned = 0;
  /** The citations of a text that is being edited, null for cards from elsewhere. @type {string | null} */
  #shown = null;
  #count = -1;

  connectedCallback() {
    this.addEventListener("click", (event) => this.#act(event));
    for (const [kind, isOver] of /** @type {const} */ ([["pointerover", true], ["pointerout", false], ["focusin", true], ["focusout", false]])) {
      this.addEventListener(kind, (event) => this.#hover(event, isOver));
    }
  }

  /** Add the cards that are missing. @param {Citation[]} citations */
  show(citations) {
    if (citations.length === this.#count && this.#cards.children.length === this.#count) return;
    this.#count = citations.length;
    for (const citation of citations.slice(this.#cards.children.length)) this.#cards.append(drawCitationCard(this, citation, this.dataset.kbId ?? ""));
    setText(slot(this, "heading"), plural(citations.length, this.dataset.noun ?? "citation"));
    slot(this, "empty").hidden = citations.length > 0;
  }

  /** Show these and no others, for a text that is being edited. @param {Citation[]} citations */
  showOnly(citations) {
    const wanted = citations.map(({ number, chunk_id: chunk }) => `${number} ${chunk}`).join();
    if (wanted === this.#shown) return;
    this.#shown = wanted;
    const top = this.#cards.scrollTop;
    this.#cards.replaceChildren();
    this.show(citations.toSorted((a, b) => a.number - b.number));
    this.#cards.scrollTop = top;
    this.card(this.#pinned)?.setAttribute("aria-current", "true");
  }

  open() {
    this.#setOpen(true);
  }

  /** Remove every card and fold. */
  clear() {
    this.#setOpen(false);
    this.#pinned = 0;
    this.#shown = null;
    this.#cards.replaceChildren();
    this.show([]);
  }

  /** Take the cards of another panel, fresh from the server. @param {Element} fresh */
  adopt(fresh) {
    this.#shown = null;
    this.#cards.replaceChildren(...slot(fresh, "cards").childNodes);
    for (const child of Array.from(this.#cards.childNodes)) {
      if (!(child instanceof HTMLElement)) child.remove();
    }
  }

  /** Pin a card: bring it into view and keep it marked. @param {number} number */
  pin(number) {
    const card = this.card(number);
    if (card === null) return;
    this.card(this.#pinned)?.removeAttribute("aria-current");
    this.#pinned = number;
    card.setAttribute("aria-current", "true");
    this.#setOpen(true);
    if (this.hasAttribute("in-flow")) return card.scrollIntoView({ block: "nearest" });
    // Not scrollIntoView: it would scroll the page as well.
    const cards = this.#cards;
    const mark = card.querySelector("mark");
    const target = card.offsetHeight > cards.clientHeight && mark !== null ? mark : card;
    const offset = target.getBoundingClientRect().top - cards.getBoundingClientRect().top;
    cards.scrollBy({ top: offset - (cards.clientHeight - target.offsetHeight) / 2 });
  }

  /** @param {number} number @returns {HTMLElement | null} */
  card(number) {
    return this.#cards.querySelector(`.citation-card[data-number="${number}"]`);
  }

  /** @param {number} number @param {boolean} isLit */
  light(number, isLit) {
    this.card(number)?.classList.toggle("is-lit", isLit);
  }

  get #cards() {
    return slot(this, "cards");
  }

  /** @param {Event} event */
  #act(event) {
    const action = actionOf(event);
    if (action?.name === "toggle-sheet") return this.#setOpen(!this.hasAttribute("open"));
    if (action?.name === "next") return this.#step(1);
    if (action?.name === "previous") return this.#step(-1);
    const card = cardOf(event);
    if (card === null || (event.target instanceof Element && event.target.closest("a"))) return;
    this.#choose(Number(card.dataset.number));
  }

  /** @param {number} by */
  #step(by) {
    const count = this.#cards.children.length;
    if (count === 0) return;
    const from = this.#pinned === 0 && by < 0 ? 1 : this.#pinned;
    this.#choose(((from - 1 + by + count) % count) + 1);
  }

  /** @param {number} number */
  #choose(number) {
    this.pin(number);
    this.dispatchEvent(new CustomEvent("sentence-chosen", { bubbles: true, detail: number }));
  }

  /** @param {boolean} isOpen */
  #setOpen(isOpen) {
    this.toggleAttribute("open", isOpen);
    this.querySelector("[data-action=toggle-sheet]")?.setAttribute("aria-expanded", String(isOpen));
  }

  /** @param {Event} event @param {boolean} isOver */
  #hover(event, isOver) {
    const card = cardOf(event);
    if (card === null) return;
    const number = Number(card.dataset.number);
    this.dispatchEvent(new CustomEvent("card-hovered", { bubbles: true, detail: { number, isOver } }));
  }
}

/** @param {Event} event @returns {HTMLElement | null} */
function cardOf(event) {
  return event.target instanceof Element ? event.target.closest(".citation-card") : null;
}
