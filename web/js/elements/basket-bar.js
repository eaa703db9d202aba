import { basket, emptyBasket, onBasketChange } from "../dom/basket-changes.js";
import { actionOf } from "../dom/find.js";
import { icon } from "../dom/icon.js";
import { plural } from "../lib/progress-text.js";

/** Says which passages are picked for a draft, for one knowledge base (`data-kb-id`) or for all. */
export class BasketBar extends HTMLElement {
  #life = new AbortController();

  connectedCallback() {
    const { signal } = this.#life;
    onBasketChange(() => this.#draw(), signal);
    this.addEventListener("click", (event) => {
      const action = actionOf(event);
      if (action?.name === "empty-basket") emptyBasket(action.button.dataset.kbId ?? "");
    }, { signal });
    this.#draw();
  }

  disconnectedCallback() {
    this.#life.abort();
  }

  #draw() {
    const { kbId } = this.dataset;
    const baskets = basket().all().filter((each) => each.passages.length > 0 && (kbId === undefined || each.kbId === kbId));
    this.hidden = baskets.length === 0;
    this.replaceChildren(...baskets.map(drawBasket));
  }
}

/** @param {{kbId: string, name: string, passages: object[]}} basket */
function drawBasket({ kbId, name, passages }) {
  const line = Object.assign(document.createElement("p"), { className: "basket-line" });
  const words = Object.assign(document.createElement("span"), { textContent: `${plural(passages.length, "passage")} picked in ${name || "this knowledge base"}` });
  const write = Object.assign(document.createElement("a"), { className: "button is-small is-primary", href: `/kb/${encodeURIComponent(kbId)}#new-draft`, textContent: "Write a draft" });
  const clear = Object.assign(document.createElement("button"), { type: "button", className: "button is-small is-quiet", textContent: "Clear" });
  clear.dataset.action = "empty-basket";
  clear.dataset.kbId = kbId;
  line.append(icon("basket"), words, write, clear);
  return line;
}
