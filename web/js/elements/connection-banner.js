import { actionOf, setText, slot } from "../dom/find.js";
import { connectionText } from "../lib/progress-text.js";

/** @import {Connection} from "../lib/event-stream.js" */

/**
 * Says that the connection is lost and which attempt is next. Fires `reconnect-requested` when the
 * reader does not want to wait. `data-kept` says what becomes of the work meanwhile.
 */
export class ConnectionBanner extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => {
      if (actionOf(event)?.name === "reconnect") this.dispatchEvent(new CustomEvent("reconnect-requested", { bubbles: true }));
    });
  }

  /** @param {Connection} connection */
  show(connection) {
    this.#say(connection.state === "live" ? "" : connectionText(connection, this.dataset.kept), true);
  }

  /** There is nothing left to try. @param {string} message */
  showGone(message) {
    this.#say(message, false);
  }

  /** @param {string} text @param {boolean} canRetry */
  #say(text, canRetry) {
    this.hidden = text === "";
    setText(slot(this, "banner-text"), text);
    const button = /** @type {HTMLElement} */ (this.querySelector("[data-action=reconnect]"));
    button.hidden = !canRetry;
  }
}
