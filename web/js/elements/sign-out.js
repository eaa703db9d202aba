import { notifyError } from "../dom/messages.js";
import { localStorageOrNull, sessionStorageOrNull } from "../dom/storage.js";
import { ActiveRun } from "../lib/active-run.js";
import { request } from "../lib/api.js";
import { Basket } from "../lib/basket.js";
import { KeptEdits } from "../lib/kept-edits.js";
import { LocalCopies } from "../lib/local-copy.js";
import { TypedInput } from "../lib/typed-input.js";

/** Signs out and leaves no text of a draft in this browser. */
export class SignOut extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", () => this.#leave());
  }

  async #leave() {
    try {
      await request("POST", "/api/v1/auth/logout");
    } catch (error) {
      notifyError(error);
      return;
    }
    new LocalCopies(localStorageOrNull()).clear();
    KeptEdits.clear(localStorageOrNull());
    TypedInput.clear(localStorageOrNull());
    Basket.clear(localStorageOrNull());
    ActiveRun.clear(sessionStorageOrNull());
    location.assign("/login");
  }
}
