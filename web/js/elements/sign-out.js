import { notifyError } from "../dom/messages.js";
import { localStorageOrNull } from "../dom/storage.js";
import { request } from "../lib/api.js";
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
    TypedInput.clear(localStorageOrNull());
    location.assign("/login");
  }
}
