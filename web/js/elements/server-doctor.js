import { actionOf, setText, slot, stamp } from "../dom/find.js";
import { request } from "../lib/api.js";
import { clockFinding, proxyFindings } from "../lib/doctor.js";
import { plural } from "../lib/progress-text.js";

/** @import {Finding} from "../lib/doctor.js" */

const REPORT = "/api/v1/admin/doctor";
const BEATS = "/admin/doctor/stream";

/** Shows how the server is, and how its streams come through to this browser. */
export class ServerDoctor extends HTMLElement {
  #life = new AbortController();

  connectedCallback() {
    this.addEventListener("click", (event) => {
      if (actionOf(event)?.name === "examine") this.#examine();
    }, { signal: this.#life.signal });
    this.#examine();
  }

  disconnectedCallback() {
    this.#life.abort();
  }

  async #examine() {
    const button = /** @type {HTMLButtonElement} */ (this.querySelector("[data-action=examine]"));
    button.disabled = true;
    setText(slot(this, "status"), "Looking…");
    try {
      const [own, way] = await Promise.all([this.#askServer(), this.#listen()]);
      this.#show([...own, ...way]);
    } catch (error) {
      if (!this.#life.signal.aborted) setText(slot(this, "status"), /** @type {Error} */ (error).message);
    }
    button.disabled = false;
  }

  /** @returns {Promise<Finding[]>} */
  async #askServer() {
    const asked = Date.now();
    const { findings, time } = await request("GET", REPORT, { signal: this.#life.signal });
    return [...findings, clockFinding(time * 1000, asked, Date.now())];
  }

  /** Note when each piece of a slow stream comes. @returns {Promise<Finding[]>} */
  async #listen() {
    const response = await fetch(BEATS, { signal: this.#life.signal, cache: "no-store" });
    /** @type {number[]} */
    const times = [];
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    while (!(await reader.read()).done) times.push(performance.now());
    return proxyFindings(times, response.headers.get("Content-Encoding"));
  }

  /** @param {Finding[]} findings */
  #show(findings) {
    const wrong = findings.filter((one) => !one.is_well);
    slot(this, "findings").replaceChildren(...[...wrong, ...findings.filter((one) => one.is_well)].map((one) => this.#row(one)));
    setText(slot(this, "status"), wrong.length === 0 ? "All is well." : `${plural(wrong.length, "thing")} to look at.`);
  }

  /** @param {Finding} finding */
  #row({ name, is_well: isWell, found, advice = "" }) {
    const row = stamp(this);
    row.dataset.state = isWell ? "well" : "wrong";
    slot(row, "name").textContent = name;
    slot(row, "verdict").textContent = isWell ? "well" : "look at this";
    slot(row, "verdict").dataset.status = isWell ? "complete" : "partial";
    slot(row, "found").textContent = found;
    slot(row, "advice").textContent = advice;
    slot(row, "advice").hidden = advice === "";
    return row;
  }
}
