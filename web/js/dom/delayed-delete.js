/** Deleting with a way back: the request is sent when the time to undo is over, or on leaving. */

import { request } from "../lib/api.js";

const UNDO_MS = 6_000;

export class DelayedDelete {
  #path;
  #onDone;
  #onFail;
  #timer;

  /**
   * @param {string} path
   * @param {{onDone?: () => void, onFail?: (error: unknown) => void}} [handlers]
   */
  constructor(path, { onDone = () => {}, onFail = () => {} } = {}) {
    this.#path = path;
    this.#onDone = onDone;
    this.#onFail = onFail;
    this.#timer = setTimeout(() => this.#send(), UNDO_MS);
    window.addEventListener("pagehide", this.#onLeave);
  }

  static get undoMs() {
    return UNDO_MS;
  }

  undo() {
    clearTimeout(this.#timer);
    window.removeEventListener("pagehide", this.#onLeave);
  }

  #onLeave = () => {
    this.undo();
    request("DELETE", this.#path, { keepalive: true }).catch(() => {});
  };

  async #send() {
    window.removeEventListener("pagehide", this.#onLeave);
    try {
      await request("DELETE", this.#path);
      this.#onDone();
    } catch (error) {
      this.#onFail(error);
    }
  }
}
