import { actionOf, slot, stamp } from "../dom/find.js";
import { Slots } from "../lib/slots.js";

/**
 * Takes files by drop or by button and sends each on its own. Fires `document-accepted` with what the
 * server said of it: {id, run_id, name, status, reason?}.
 */
export class DocumentUpload extends HTMLElement {
  #life = new AbortController();
  #slots = new Slots(2);

  connectedCallback() {
    const { signal } = this.#life;
    const zone = slot(this, "zone");
    const input = /** @type {HTMLInputElement} */ (this.querySelector("input[type=file]"));
    input.addEventListener("change", () => {
      this.#add(input.files);
      input.value = "";
    }, { signal });
    // The whole page takes a drop: a file let go beside the zone must not replace the page.
    document.addEventListener("dragover", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      zone.classList.add("is-over");
    }, { signal });
    document.addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) zone.classList.remove("is-over");
    }, { signal });
    document.addEventListener("drop", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      zone.classList.remove("is-over");
      this.#add(event.dataTransfer?.files ?? null);
    }, { signal });
  }

  disconnectedCallback() {
    this.#life.abort();
  }

  /** @param {FileList | null} files */
  #add(files) {
    for (const file of files ?? []) this.#queue(file);
  }

  /** @param {File} file */
  #queue(file) {
    const row = stamp(this);
    slot(row, "name").textContent = file.name;
    slot(row, "note").textContent = "Waiting";
    row.addEventListener("click", (event) => {
      const action = actionOf(event)?.name;
      if (action === "dismiss" || action === "retry") row.remove();
      if (action === "retry") this.#queue(file);
    });
    slot(this, "uploads").append(row);
    this.#slots.run(() => this.#send(file, row));
  }

  /** @param {File} file @param {HTMLElement} row */
  async #send(file, row) {
    if (!row.isConnected) return;
    try {
      const documents = await this.#post(file, (percent) => showPercent(row, percent));
      row.remove();
      for (const document of documents) this.dispatchEvent(new CustomEvent("document-accepted", { bubbles: true, detail: document }));
    } catch (error) {
      row.dataset.state = "failed";
      slot(row, "note").textContent = /** @type {Error} */ (error).message;
    }
  }

  /**
   * XMLHttpRequest, since fetch does not tell how much was sent.
   * @param {File} file
   * @param {(percent: number) => void} onPercent
   * @returns {Promise<{id: string, run_id: string | null, name: string, status: string, reason?: string}[]>}
   */
  #post(file, onPercent) {
    return new Promise((resolve, reject) => {
      const sending = new XMLHttpRequest();
      sending.open("POST", `/api/v1/kbs/${this.dataset.kbId}/documents`);
      sending.setRequestHeader("Accept", "application/json");
      sending.responseType = "json";
      sending.upload.onprogress = ({ loaded, total }) => onPercent(total > 0 ? (100 * loaded) / total : 0);
      sending.onerror = () => reject(new Error("The server cannot be reached. The file is still here; try again in a moment."));
      sending.onload = () => {
        if (sending.status < 300 && sending.response !== null) resolve(sending.response.documents);
        else reject(new Error(sending.response?.error?.message ?? "The server did not take this file. Try again in a moment."));
      };
      const body = new FormData();
      body.append("file", file, file.name);
      sending.send(body);
    });
  }
}

/** @param {HTMLElement} row @param {number} percent */
function showPercent(row, percent) {
  /** @type {HTMLProgressElement} */ (slot(row, "progress")).value = percent;
  slot(row, "note").textContent = percent < 100 ? `Sending, ${Math.round(percent)} %` : "Storing";
}

/** @param {DragEvent} event */
function hasFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}
