/** What is known of a pipeline run: the sum of its events, with nothing of the page in it. */

/** @import {RunEvent} from "./events.js" */

/**
 * @typedef {"idle" | "running" | "complete" | "invalid" | "stopped" | "failed"} PipelinePhase
 * @typedef {{line: number, message: string, section: string}} Problem
 * @typedef {{success?: boolean, output?: string | null, draft?: string, partial_output?: string | null, validation_errors?: Problem[], metadata?: Record<string, any>}} PipelineResult
 */

/** The steps as the page shows them; a retry is the formatter and the validator once more. */
export const STEPS = /** @type {const} */ (["load_prompts", "generator", "formatter", "validator", "done"]);
const DRAFTED = STEPS.indexOf("generator");

export class PipelineState {
  /** @type {PipelinePhase} */
  phase = "running";
  /** The step being taken. @type {string} */
  step = "";
  percent = 0;
  message = "Starting…";
  isRetrying = false;
  draft = "";
  output = "";
  /** How often the output was begun anew; what is shown of an earlier one is out of date. */
  outputNumber = 0;
  /** Whether the draft is known in whole. */
  hasDraft = false;
  /** Whether the run ended with the draft, as was asked. */
  isDraftOnly = false;
  /** @type {Problem[]} */
  problems = [];
  /** @type {Record<string, any>} */
  metadata = {};
  /** @type {{code: string, message: string} | null} */
  failure = null;

  /** @param {{draft?: string}} [known]  the draft that is to be formatted, when it is not written anew */
  constructor({ draft = "" } = {}) {
    this.draft = draft;
    this.hasDraft = draft !== "";
  }

  get isOver() {
    return this.phase !== "running";
  }

  /** @param {RunEvent} event */
  apply(event) {
    switch (event.event) {
      case "stage": return this.#enterStage(event);
      case "token": return this.#write(event);
      case "draft_text": return this.#takeDraft(event.text);
      case "completed": return this.complete(event.result ?? {});
      case "failed": return this.fail(event);
      case "cancelled": this.phase = "stopped"; this.message = "Stopped. What was written is kept on this page."; return;
    }
  }

  /** @param {PipelineResult} result */
  complete({ success = true, output, draft, partial_output: partial, validation_errors: problems = [], metadata = {} }) {
    if (draft && !this.hasDraft) this.#takeDraft(draft);
    const text = output ?? partial ?? "";
    this.problems = problems;
    this.metadata = metadata;
    this.percent = 100;
    this.isDraftOnly = this.hasDraft && text === this.draft;
    if (text !== "" && text !== this.output && !this.isDraftOnly) this.#beginOutput(text);
    this.phase = success ? "complete" : "invalid";
    this.step = success ? "done" : "validator";
    if (this.isDraftOnly) this.message = "The draft is ready: change it, then format it";
    else this.message = success ? "Done" : "The output breaks rules of its format";
  }

  /** @param {{code: string, message: string}} failure */
  fail({ code, message }) {
    this.phase = "failed";
    this.message = "Failed";
    this.failure = { code, message };
  }

  /** @param {Extract<RunEvent, {event: "stage"}>} event */
  #enterStage({ name, message, percent, delay_s: delayS = 0 }) {
    this.percent = Math.max(this.percent, percent);
    this.message = delayS >= 1 ? `Waiting for the model, ${Math.round(delayS)} s` : message;
    if (name === "waiting") return;
    if (name === "retry") this.isRetrying = true;
    if (name === "fail") return;
    const isAgain = name === "retry" || (name === "formatter" && this.output !== "");
    if (isAgain) this.#beginOutput("");
    this.step = name === "retry" ? "formatter" : name;
  }

  /** @param {Extract<RunEvent, {event: "token"}>} event */
  #write({ stage, text }) {
    if (stage === "draft" || stage === "generator") this.draft += text;
    else this.output += text;
  }

  /** @param {string} text */
  #takeDraft(text) {
    this.draft = text;
    this.hasDraft = true;
  }

  /** @param {string} text */
  #beginOutput(text) {
    this.output = text;
    this.outputNumber += 1;
  }
}

/**
 * How far each step is.
 * @param {PipelineState} state
 * @returns {{name: string, state: "todo" | "current" | "done" | "failed"}[]}
 */
export function stepStates({ step, phase, isDraftOnly }) {
  const current = STEPS.indexOf(/** @type {any} */ (step));
  return STEPS.map((name, i) => {
    if (isDraftOnly && i > DRAFTED) return { name, state: "todo" };
    if (phase === "complete" || i < current) return { name, state: "done" };
    if (i > current) return { name, state: "todo" };
    if (phase === "running") return { name, state: "current" };
    return { name, state: phase === "idle" ? "todo" : "failed" };
  });
}
