import { actionOf, setText, slot, stamp } from "../dom/find.js";
import { confidenceText, plural } from "../lib/progress-text.js";
import { splitQuote } from "../lib/quote.js";

/** @import {Citation} from "../lib/events.js" */

/**
 * One card for each citation, in the order of their numbers. Fires `sentence-chosen` with a number
 * (go to where it is cited) and `card-hovered` with {number, isOver}. On a phone it is a sheet from
 * below, opened by the attribute `open`.
 */
export class CitationsPanel extends HTMLElement {
  #pinned = 0;

  connectedCallback() {
    this.addEventListener("click", (event) => this.#act(event));
    for (const [kind, isOver] of /** @type {const} */ ([["pointerover", true], ["pointerout", false], ["focusin", true], ["focusout", false]])) {
      this.addEventListener(kind, (event) => this.#hover(event, isOver));
    }
  }

  /** Add the cards that are missing. @param {Citation[]} citations */
  show(citations) {
    for (const citation of citations.slice(this.#cards.children.length)) this.#cards.append(this.#draw(citation));
    setText(slot(this, "heading"), plural(citations.length, "citation"));
    slot(this, "empty").hidden = citations.length > 0;
  }

  /** Take the cards of another panel, fresh from the server. @param {Element} fresh */
  adopt(fresh) {
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

  /** @param {Citation} citation */
  #draw(citation) {
    const card = stamp(this);
    const { number, document_name: name, document_id: id, version, page, section } = citation;
    const { level, words } = confidenceText(citation.confidence);
    card.dataset.number = String(number);
    card.dataset.level = level;
    slot(card, "number").textContent = String(number);
    const link = /** @type {HTMLAnchorElement} */ (slot(card, "document"));
    link.textContent = name;
    link.href = `/kb/${this.dataset.kbId}/documents/${id}?highlight=${citation.char_start}-${citation.char_end}&version=${version}`;
    slot(card, "place").textContent = [page ? `page ${page}` : "", section ?? ""].filter(Boolean).join(" · ");
    this.#drawExcerpt(slot(card, "excerpt"), citation);
    /** @type {HTMLMeterElement} */ (slot(card, "meter")).value = citation.confidence;
    slot(card, "score").textContent = words;
    return card;
  }

  /** @param {HTMLElement} element @param {Citation} citation */
  #drawExcerpt(element, { excerpt, quote_start: start = 0, quote_end: end = 0 }) {
    const { lead, before, quote, after } = splitQuote(excerpt, start, end);
    const skipped = Object.assign(document.createElement("span"), { className: "excerpt-lead", textContent: lead });
    const mark = Object.assign(document.createElement("mark"), { textContent: quote });
    element.replaceChildren(...(lead === "" ? [] : [skipped]), before, ...(quote === "" ? [] : [mark]), after);
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
