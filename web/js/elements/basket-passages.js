import { basket, onBasketChange, takeFromBasket } from "../dom/basket-changes.js";
import { placeText } from "../dom/citation-card.js";
import { actionOf } from "../dom/find.js";
import { icon } from "../dom/icon.js";

/** @import {Passage} from "../lib/basket.js" */

/** The passages picked before, to look through and to drop. */
export class BasketPassages extends HTMLElement {
  #life = new AbortController();

  connectedCallback() {
    const { signal } = this.#life;
    onBasketChange(() => this.#draw(), signal);
    this.addEventListener("click", (event) => {
      const action = actionOf(event);
      if (action?.name === "drop") takeFromBasket(this.#kbId, action.button.dataset.id ?? "");
    }, { signal });
    this.#draw();
  }

  disconnectedCallback() {
    this.#life.abort();
  }

  get #kbId() {
    return this.dataset.kbId ?? "";
  }

  #draw() {
    this.replaceChildren(...basket().list(this.#kbId).map(drawPassage));
  }
}

/** @param {Passage} passage */
function drawPassage(passage) {
  const row = Object.assign(document.createElement("div"), { className: "basket-passage" });
  const place = [passage.document_name, placeText(passage)].filter(Boolean).join(" · ");
  const body = document.createElement("p");
  body.append(
    Object.assign(document.createElement("strong"), { textContent: place }),
    Object.assign(document.createElement("span"), { className: "passage-text", textContent: passage.excerpt }),
  );
  const drop = Object.assign(document.createElement("button"), { type: "button", className: "icon-button", title: "Leave this passage out" });
  drop.setAttribute("aria-label", `Leave out ${place}`);
  drop.dataset.action = "drop";
  drop.dataset.id = passage.chunk_id;
  drop.append(icon("close"));
  row.append(body, drop);
  return row;
}
