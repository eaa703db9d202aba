import { actionOf, setText, slot } from "../dom/find.js";
import { connectionText } from "../lib/progress-text.js";

/** @import {Connection} from "../lib/event-stream.js" */

const GOOD_NEWS_MS = 4_000;

/**
 * Says that the connection is lost and which attempt is next, and for a moment that it is back. Fires `reconnect-requested` when the
 * reader does not want to wait. `data-kept` says what becomes of the work meanwhile.
 */
export class ConnectionBanner extends HTMLElement {
  #timer = 0;

  connectedCallback() {
    this.addEventListener("click", (event) => {
      if (actionOf(event)?.name === "reconnect") this.dispatchEvent(new CustomEvent("reconnect-requested", { bubbles: true }));
    });
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
  }

  /** @param {Connection} connection */
  show(connection) {
    if (connection.state === "live") this.#welcomeBack();
    else this.#say(connectionText(connection, this.dataset.kept), { canRetry: true });
  }

  /** There is nothing left to try. @param {string} message */
  showGone(message) {
    this.#say(message);
  }

  #welcomeBack() {
    if (this.hidden || this.dataset.state === "back") return;
    this.#say("Connected again. Nothing is missing.", { state: "back" });
    this.#timer = window.setTimeout(() => this.#say(""), GOOD_NEWS_MS);
  }

  /** @param {string} text @param {{canRetry?: boolean, state?: "lost" | "back"}} [how] */
  #say(text, { canRetry = false, state = "lost" } = {}) {
    clearTimeout(this.#timer);
    this.hidden = text === "";
    this.dataset.state = state;
    setText(slot(this, "banner-text"), text);
    const button = /** @type {HTMLElement} */ (this.querySelector("[data-action=reconnect]"));
    button.hidden = !canRetry;
  }
}
