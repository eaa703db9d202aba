import { actionOf, setText, slot } from "../dom/find.js";
import { notify, notifyError } from "../dom/messages.js";
import { save } from "../dom/take-away.js";
import { ApiError, errorOf, request } from "../lib/api.js";
import { plural } from "../lib/progress-text.js";

/** @import {DraftEditor} from "./draft-editor.js" */

/** Asks for a format and hands over the file; says first what nobody has looked at yet. */
export class ExportDialog extends HTMLElement {
  /** @type {DraftEditor | null} */
  #editor = null;
  #draftId = "";

  connectedCallback() {
    this.addEventListener("click", (event) => {
      const name = actionOf(event)?.name;
      if (name === "close" || name === "open-verify") this.#dialog.close();
    });
    this.querySelector("form")?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#export();
    });
    this.querySelector("form")?.addEventListener("change", () => this.#offerStyles());
  }

  /** @param {string} draftId @param {DraftEditor} editor  what is not saved in it is saved first */
  async open(draftId, editor) {
    this.#draftId = draftId;
    this.#editor = editor;
    this.#offerStyles();
    slot(this, "reminder").hidden = true;
    this.#dialog.showModal();
    if (editor.isActive) await editor.save();
    await Promise.all([this.#remind(), this.#listTemplates()]);
  }

  get #dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
  }

  /** @param {string} name */
  #chosen(name) {
    return /** @type {HTMLInputElement | null} */ (this.querySelector(`[name=${name}]:checked`))?.value ?? "";
  }

  #offerStyles() {
    const format = this.#chosen("format");
    slot(this, "styles").hidden = !["docx", "pdf"].includes(format);
    slot(this, "template").hidden = format !== "docx" || this.#template.options.length < 2;
  }

  get #template() {
    return /** @type {HTMLSelectElement} */ (this.querySelector("select"));
  }

  async #listTemplates() {
    const { templates } = await request("GET", "/api/v1/export/templates").catch(() => ({ templates: [] }));
    const own = templates.map((/** @type {string} */ name) => new Option(name, name));
    this.#template.replaceChildren(new Option("Footnote's own", ""), ...own);
    this.#offerStyles();
  }

  async #remind() {
    const path = `/api/v1/drafts/${this.#draftId}`;
    const [checked, support] = await Promise.all([
      request("GET", `${path}/verification`).catch(() => null),
      request("GET", `${path}/support`).catch(() => null),
    ]);
    const open = checked === null ? 0 : checked.total - checked.verified;
    const weak = support === null ? 0 : support.total - support.supported;
    const parts = [
      open > 0 ? `${plural(open, "citation")} ${open === 1 ? "is" : "are"} not verified` : "",
      weak > 0 ? `${plural(weak, "sentence")} ${weak === 1 ? "has" : "have"} no clear support` : "",
    ].filter(Boolean);
    slot(this, "reminder").hidden = parts.length === 0;
    setText(slot(this, "reminder-text"), `${parts.join(", and ")}.`);
  }

  async #export() {
    const button = /** @type {HTMLButtonElement} */ (slot(this, "submit"));
    button.disabled = true;
    const template = this.#chosen("format") === "docx" ? this.#template.value : "";
    const body = { format: this.#chosen("format"), citation_style: this.#chosen("citation_style"), ...(template === "" ? {} : { template }) };
    try {
      const file = await fetchFile(`/api/v1/drafts/${this.#draftId}/export`, body);
      save(file.name, file.blob);
      notify({ message: `“${file.name}” was saved.` });
      this.#dialog.close();
    } catch (error) {
      notifyError(error);
    }
    button.disabled = false;
  }
}

/** @param {string} path @param {object} body @returns {Promise<{name: string, blob: Blob}>} */
async function fetchFile(path, body) {
  const headers = { "Content-Type": "application/json", Accept: "*/*" };
  const response = await fetch(path, { method: "POST", body: JSON.stringify(body), headers, credentials: "same-origin" }).catch(() => null);
  if (response === null) throw new ApiError("The server cannot be reached. Nothing is lost; try again in a moment.");
  if (!response.ok) throw await errorOf(response);
  const header = response.headers.get("Content-Disposition") ?? "";
  const coded = /filename\*=UTF-8''([^;]+)/.exec(header)?.[1];
  const name = coded === undefined ? (/filename="([^"]+)"/.exec(header)?.[1] ?? "draft") : decodeURIComponent(coded);
  return { name, blob: await response.blob() };
}
