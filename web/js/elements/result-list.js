import { basket, onBasketChange, putInBasket, takeFromBasket } from "../dom/basket-changes.js";
import { passagePath, placeText } from "../dom/citation-card.js";
import { actionOf, setText, slot, stamp } from "../dom/find.js";
import { confidenceText } from "../lib/progress-text.js";
import { highlight } from "../lib/highlight.js";

/** @import {Citation, OfferedSource} from "../lib/events.js" */

const SHOWN_CHARACTERS = 600;

/** The passages a search found, best first. Each can be picked for a draft. */
export class ResultList extends HTMLElement {
  #life = new AbortController();
  /** @type {Map<string, {source: OfferedSource, kbName: string}>} by chunk */
  #found = new Map();

  connectedCallback() {
    const { signal } = this.#life;
    onBasketChange(() => this.#showPicked(), signal);
    this.addEventListener("click", (event) => {
      const action = actionOf(event);
      if (action?.name === "pick") this.#pick(/** @type {HTMLElement} */ (action.button.closest(".result")));
    }, { signal });
  }

  disconnectedCallback() {
    this.#life.abort();
  }

  /** @param {OfferedSource[]} sources @param {{query: string, kbNames: Map<string, string>}} options */
  show(sources, { query, kbNames }) {
    this.#found = new Map(sources.map((source) => [source.chunk_id, { source, kbName: kbNames.get(source.kb_id ?? "") ?? "" }]));
    slot(this, "list").replaceChildren(...Array.from(this.#found.values(), (found) => this.#draw(found, query)));
    this.#showPicked();
  }

  /** Say which results the answer rests on. @param {Citation[]} citations */
  markCited(citations) {
    for (const { chunk_id: id, number } of citations) {
      const row = this.#row(id ?? "");
      if (row !== null) setText(slot(row, "badges"), `[${number}]`);
    }
  }

  /** @param {string} chunkId @returns {HTMLElement | null} */
  #row(chunkId) {
    return this.querySelector(`.result[data-chunk-id="${CSS.escape(chunkId)}"]`);
  }

  /** @param {{source: OfferedSource, kbName: string}} found @param {string} query */
  #draw({ source, kbName }, query) {
    const row = stamp(this);
    row.dataset.chunkId = source.chunk_id;
    const link = /** @type {HTMLAnchorElement} */ (slot(row, "document"));
    link.textContent = source.document_name;
    link.href = passagePath({ ...source, version: undefined }, "");
    slot(row, "place").textContent = placeText(source);
    slot(row, "excerpt").replaceChildren(...highlight(source.excerpt.slice(0, SHOWN_CHARACTERS), query).map(drawPiece));
    /** @type {HTMLMeterElement} */ (slot(row, "meter")).value = source.score;
    row.dataset.level = confidenceText(source.score).level;
    slot(row, "score").textContent = `${Math.round(source.score * 100)} % match`;
    const kb = /** @type {HTMLAnchorElement} */ (slot(row, "kb"));
    kb.textContent = kbName;
    kb.href = `/kb/${encodeURIComponent(source.kb_id ?? "")}`;
    return row;
  }

  /** @param {HTMLElement} row */
  #pick(row) {
    const found = this.#found.get(row.dataset.chunkId ?? "");
    if (found === undefined) return;
    const { source, kbName } = found;
    const kbId = source.kb_id ?? "";
    if (basket().has(kbId, source.chunk_id)) takeFromBasket(kbId, source.chunk_id);
    else putInBasket(kbId, kbName, [source]);
  }

  #showPicked() {
    for (const [id, { source }] of this.#found) {
      const row = this.#row(id);
      if (row === null) continue;
      const isPicked = basket().has(source.kb_id ?? "", id);
      row.querySelector("[data-action=pick]")?.setAttribute("aria-pressed", String(isPicked));
      setText(slot(row, "pick-label"), isPicked ? "Picked" : "Use in draft");
    }
  }
}

/** @param {{text: string, isMatch: boolean}} piece */
function drawPiece({ text, isMatch }) {
  return isMatch ? Object.assign(document.createElement("mark"), { textContent: text }) : document.createTextNode(text);
}
