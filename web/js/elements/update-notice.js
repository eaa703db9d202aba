import { actionOf } from "../dom/find.js";
import { hearVersions } from "../lib/versions.js";

/** Says that the server was updated since this page was made. `data-version` is the page's own. */
export class UpdateNotice extends HTMLElement {
  #life = new AbortController();

  connectedCallback() {
    const { signal } = this.#life;
    this.addEventListener("click", (event) => this.#act(event), { signal });
    hearVersions((version) => {
      if (version !== this.dataset.version) this.hidden = false;
    }, signal);
  }

  disconnectedCallback() {
    this.#life.abort();
  }

  /** @param {Event} event */
  #act(event) {
    const name = actionOf(event)?.name;
    if (name === "reload") location.reload();
    if (name === "dismiss-update") this.hidden = true;
  }
}
