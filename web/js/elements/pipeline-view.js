import { actionOf, setText, slot } from "../dom/find.js";
import { LineList } from "../dom/line-list.js";
import { Painter } from "../dom/painter.js";
import { RunReader } from "../dom/run-reader.js";
import { localStorageOrNull, sessionStorageOrNull } from "../dom/storage.js";
import { copyText, download } from "../dom/take-away.js";
import { ActiveRun } from "../lib/active-run.js";
import { ApiError, request } from "../lib/api.js";
import { PipelineState, stepStates } from "../lib/pipeline-state.js";
import { plural } from "../lib/progress-text.js";
import { TypedInput } from "../lib/typed-input.js";

/** @import {RunEvent} from "../lib/events.js" */
/** @import {Problem} from "../lib/pipeline-state.js" */
/** @import {ModelChoice} from "./model-choice.js" */

const TEMPERATURES = ["generator_temperature", "formatter_temperature"];
const KEPT_FIELDS = ["content_type", "num_questions", "focus_areas", ...TEMPERATURES];

/**
 * Notes, draft and output side by side. The attribute `state` is `idle` or the phase of the run, and
 * `mode` is `streaming` or `traditional`, where the result comes in one piece.
 */
export class PipelineView extends HTMLElement {
  #life = new AbortController();
  #painter = new Painter(() => this.#paint());
  #typed = new TypedInput(localStorageOrNull(), "pipeline");
  /** @type {ActiveRun<{runId: string, draft: string}>} */
  #active = new ActiveRun(sessionStorageOrNull(), "pipeline");
  /** @type {PipelineState | null} */
  #state = null;
  /** The draft that only needs its form, "" while one is written. */
  #givenDraft = "";
  /** How much of the draft its panel shows. */
  #shownDraft = 0;
  #isStopping = false;
  /** @type {AbortController | null} */
  #waiting = null;
  /** @type {LineList} */
  #lines = /** @type {any} */ (null);
  /** @type {RunReader} */
  #reader = /** @type {any} */ (null);

  connectedCallback() {
    const { signal } = this.#life;
    this.#lines = new LineList(slot(this, "output"));
    this.#reader = new RunReader(this, {
      onEvent: (event) => this.#apply(event),
      onOpen: (runId) => this.#active.keep({ runId, draft: this.#givenDraft }),
      onRefused: (error) => this.#fail(error),
    }, signal);
    this.#listen(signal);
    this.#restore();
  }

  disconnectedCallback() {
    this.#life.abort();
    this.#waiting?.abort();
    this.#painter.stop();
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    this.addEventListener("click", (event) => this.#act(event), { signal });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#run();
    }, { signal });
    this.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#form.requestSubmit();
    }, { signal });
    this.addEventListener("input", () => this.#keepTyped(), { signal });
  }

  // --- parts ------------------------------------------------------------------------------------

  get #form() {
    return /** @type {HTMLFormElement} */ (slot(this, "form"));
  }

  get #input() {
    return /** @type {HTMLTextAreaElement} */ (slot(this, "input"));
  }

  get #draft() {
    return /** @type {HTMLTextAreaElement} */ (slot(this, "draft"));
  }

  get #isStreaming() {
    return /** @type {HTMLInputElement} */ (slot(this, "streaming")).checked;
  }

  get #isRunning() {
    return this.#state !== null && !this.#state.isOver;
  }

  /** @param {string} name @returns {HTMLInputElement | HTMLSelectElement} */
  #field(name) {
    return /** @type {HTMLInputElement} */ (this.#form.elements.namedItem(name));
  }

  // --- running ----------------------------------------------------------------------------------

  #restore() {
    const typed = this.#typed.read();
    if (typeof typed.input === "string") this.#input.value = typed.input;
    for (const name of KEPT_FIELDS) {
      if (typeof typed[name] === "string") this.#field(name).value = /** @type {string} */ (typed[name]);
    }
    this.#showCounters();
    const active = this.#active.find();
    if (active === null) return;
    this.#begin(active.draft);
    this.#reader.attach(active.runId);
  }

  #keepTyped() {
    const fields = Object.fromEntries(KEPT_FIELDS.map((name) => [name, this.#field(name).value]));
    this.#typed.keep({ input: this.#input.value, ...fields });
    this.#showCounters();
  }

  /** @param {{draft?: string, isDraftOnly?: boolean}} [options]  a draft that only needs its form */
  #run({ draft, isDraftOnly = false } = {}) {
    if (this.#isRunning || !this.#form.reportValidity()) return;
    const body = { ...this.#body(draft), ...(isDraftOnly ? { draft_only: true } : {}) };
    if (body.input_text.length < 10) return this.#complain();
    this.#begin(draft ?? "");
    this.setAttribute("mode", this.#isStreaming ? "streaming" : "traditional");
    if (this.#isStreaming) this.#reader.start("/run/stream?dialect=native", body);
    else this.#wait(body);
  }

  /** @param {string | undefined} draft */
  #body(draft) {
    const focus = this.#field("focus_areas").value.trim();
    const { value: model } = /** @type {ModelChoice} */ (this.querySelector("model-choice"));
    return {
      content_type: this.#field("content_type").value,
      // The rules of the input hold for a draft's run too; where there are no notes the draft stands in.
      input_text: this.#input.value.trim() || (draft ?? ""),
      num_questions: Number(this.#field("num_questions").value),
      ...(focus === "" ? {} : { focus_areas: focus }),
      ...(model === undefined ? {} : { generator_model: model }),
      ...(draft === undefined ? {} : { draft }),
      ...this.#temperatures(),
    };
  }

  /** Those that somebody set; the server knows the others. @returns {Record<string, number>} */
  #temperatures() {
    const set = TEMPERATURES.filter((name) => this.#field(name).value !== "");
    return Object.fromEntries(set.map((name) => [name, Number(this.#field(name).value)]));
  }

  #complain() {
    setText(slot(this, "status"), "Paste at least 10 characters of input first.");
    this.#input.focus();
  }

  /** @param {string} draft */
  #begin(draft) {
    this.#state = new PipelineState({ draft });
    this.#isStopping = false;
    this.#givenDraft = draft;
    this.#shownDraft = draft.length;
    this.#draft.value = draft;
    this.#lines.show("", -1);
    this.#paint();
  }

  /** The traditional way: one request, one answer. @param {object} body */
  async #wait(body) {
    const state = /** @type {PipelineState} */ (this.#state);
    state.message = "Running; the result comes in one piece.";
    this.#paint();
    this.#waiting = new AbortController();
    try {
      state.complete(await request("POST", "/run", { body, signal: this.#waiting.signal }));
    } catch (error) {
      if (this.#waiting.signal.aborted) state.apply({ event: "cancelled", reason: "stopped" });
      else if (error instanceof ApiError && error.code === "VALIDATION_FAILED") state.complete({ ...error.body, success: false });
      else state.fail(/** @type {ApiError} */ (error));
    }
    this.#painter.request();
  }

  #stop() {
    if (!this.#isRunning || this.#isStopping) return;
    this.#isStopping = true;
    if (this.getAttribute("mode") === "traditional") this.#waiting?.abort();
    else this.#reader.cancel();
    this.#painter.request();
  }

  /** @param {RunEvent} event */
  #apply(event) {
    this.#state?.apply(event);
    this.#painter.request();
  }

  /** @param {ApiError} error */
  #fail(error) {
    this.#active.forget();
    if (error.status === 410 || error.status === 404) this.#state = null;
    else this.#state?.fail(error);
    this.#painter.request();
  }

  // --- what is shown ----------------------------------------------------------------------------

  #paint() {
    const state = this.#state;
    this.setAttribute("state", state?.phase ?? "idle");
    this.#lockForm();
    this.#showSteps();
    if (state === null) return;
    this.#showDraft(state);
    this.#lines.show(state.output, state.outputNumber);
    this.#showProblems(state.problems);
    setText(slot(this, "status"), this.#statusText(state));
    if (state.failure !== null) {
      setText(slot(this, "failed-text"), `${state.failure.message}${state.draft === "" ? "" : " The draft so far is kept."}`);
      setText(slot(this, "failed-code"), state.failure.code);
    }
    this.#showCounters();
  }

  /** @param {PipelineState} state */
  #statusText({ phase, percent, message, metadata, isRetrying }) {
    if (this.#isStopping && phase === "running") return "Stopping…";
    if (phase === "running") return `${percent} % · ${message}${isRetrying ? " (second attempt)" : ""}`;
    if (phase !== "complete" && phase !== "invalid") return message;
    const took = typeof metadata.total_time === "number" ? ` · ${metadata.total_time.toFixed(1)} s` : "";
    return `100 % · ${message}${took}`;
  }

  #lockForm() {
    for (const control of Array.from(this.#form.elements)) {
      if (!control.matches("[data-action=stop]")) /** @type {HTMLInputElement} */ (control).disabled = this.#isRunning;
    }
    this.#draft.readOnly = this.#isRunning || (this.#state?.draft ?? "") === "";
    this.#allowFormatting();
  }

  #allowFormatting() {
    /** @type {HTMLButtonElement} */ (slot(this, "format")).disabled = this.#isRunning || this.#draft.value.trim().length < 10;
  }

  #showSteps() {
    const state = this.#state;
    /** @type {HTMLProgressElement} */ (slot(this, "progress")).value = state?.percent ?? 0;
    if (state === null) return;
    for (const { name, state: stepState } of stepStates(state)) {
      const step = /** @type {HTMLElement} */ (this.querySelector(`[data-step=${name}]`));
      step.dataset.state = stepState;
      if (stepState === "current") step.setAttribute("aria-current", "step");
      else step.removeAttribute("aria-current");
    }
  }

  /** Only what is new is added. @param {PipelineState} state */
  #showDraft({ draft }) {
    if (draft.length === this.#shownDraft) return;
    const box = this.#draft;
    const isAtEnd = box.scrollHeight - box.clientHeight - box.scrollTop < 40;
    if (draft.length < this.#shownDraft) box.value = draft;
    else box.setRangeText(draft.slice(this.#shownDraft), box.value.length, box.value.length, "preserve");
    this.#shownDraft = draft.length;
    if (isAtEnd) box.scrollTop = box.scrollHeight;
  }

  /** @param {Problem[]} problems */
  #showProblems(problems) {
    setText(slot(this, "problems-heading"), `The output breaks ${plural(problems.length, "rule")} of its format`);
    if (problems.length === slot(this, "problems").children.length) return;
    slot(this, "problems").replaceChildren(...problems.map(drawProblem));
    this.#lines.mark(problems.map(({ line }) => line));
  }

  #showCounters() {
    const output = this.#state?.output ?? "";
    for (const [name, text] of [["input", this.#input.value], ["draft", this.#draft.value], ["output", output]]) {
      setText(slot(this, `${name}-counter`), text === "" ? "" : plural(text.length, "character"));
    }
    this.#allowFormatting();
  }

  // --- what the reader asks for -----------------------------------------------------------------

  /** @param {Event} event */
  #act(event) {
    const action = actionOf(event);
    if (action === null) return;
    const { panel = "", line = "" } = action.button.dataset;
    if (action.name === "stop") this.#stop();
    if (action.name === "draft-only") this.#run({ isDraftOnly: true });
    if (action.name === "format-draft") this.#run({ draft: this.#draft.value.trim() });
    if (action.name === "go-to-line") this.#lines.goTo(Number(line));
    if (action.name === "copy") copyText(this.#textOf(panel), `The ${panel} was copied.`);
    if (action.name === "download") download(this.#fileName(panel), this.#textOf(panel));
  }

  /** @param {string} panel */
  #fileName(panel) {
    return `${panel === "output" ? this.#field("content_type").value.toLowerCase() : panel}.txt`;
  }

  /** @param {string} panel */
  #textOf(panel) {
    if (panel === "input") return this.#input.value;
    return panel === "draft" ? this.#draft.value : this.#state?.output ?? "";
  }
}

/** @param {Problem} problem */
function drawProblem({ line, message, section }) {
  const item = document.createElement("li");
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: `Line ${line}`, title: "Go to this line of the output" });
  button.dataset.action = "go-to-line";
  button.dataset.line = String(line);
  button.dataset.testid = "validation-error";
  item.append(button, ` ${message}`);
  if (section) item.append(Object.assign(document.createElement("span"), { className: "fine-print", textContent: ` ${section}` }));
  return item;
}
