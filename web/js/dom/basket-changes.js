/** The basket of this browser, and word to the page whenever it changes. */

import { Basket } from "../lib/basket.js";
import { plural } from "../lib/progress-text.js";
import { notify } from "./messages.js";
import { localStorageOrNull } from "./storage.js";

/** @import {Passage} from "../lib/basket.js" */

export function basket() {
  return new Basket(localStorageOrNull());
}

/** @param {string} kbId @param {string} kbName @param {Passage[]} passages */
export function putInBasket(kbId, kbName, passages) {
  const added = basket().add(kbId, kbName, passages);
  announce();
  notify({ message: added === 0 ? "Your selection has these passages already." : `${plural(added, "passage")} added to your selection.` });
}

/** @param {string} kbId @param {string} chunkId */
export function takeFromBasket(kbId, chunkId) {
  basket().remove(kbId, chunkId);
  announce();
}

/** @param {string} kbId */
export function emptyBasket(kbId) {
  basket().set(kbId, "", []);
  announce();
}

/** Hear of every change, from other tabs too. @param {() => void} listener @param {AbortSignal} signal */
export function onBasketChange(listener, signal) {
  document.addEventListener("basket-changed", listener, { signal });
  window.addEventListener("storage", listener, { signal });
}

function announce() {
  document.dispatchEvent(new CustomEvent("basket-changed"));
}
