/**
 * What is known of a draft while it is written: the sum of its events, with nothing of the page in it.
 */

import { GrowingText } from "./growing-text.js";
import { WordCounter } from "./words.js";

/** @import {Checked, Citation, RunEvent} from "./events.js" */

/**
 * @typedef {"starting" | "retrieving" | "writing" | "waiting" | "complete" | "stopped" | "failed" | "partial"} Phase
 * @typedef {{title: string, state: "todo" | "current" | "done" | "skipped", weak: number}} Section
 * @typedef {{code: string, message: string, retryable: boolean, retryAfterS: number | null}} Failure
 */

/**
 * @typedef {object} Snapshot
 * @property {string} text
 * @property {string} openText   the end of the text that is not closed yet
 * @property {number[]} blockEnds  where the blocks end that the rest of it makes
 * @property {Citation[]} citations
 * @property {string[]} sections
 * @property {Phase} phase
 * @property {number} [wordCount]  the server's count, shown until more text comes
 */

export class DraftState extends GrowingText {
  /** @type {Phase} */
  phase = "starting";
  /** @type {Citation[]} */
  citations = [];
  /** @type {Section[]} */
  sections = [];
  /** How well each sentence is supported, in their order. @type {Checked[]} */
  checks = [];
  /** What is being written. @type {{message: string, section: number, sections: number} | null} */
  stage = null;
  /** What is waited for in the phase of that name. */
  wait = { message: "", delayS: 0 };
  /** @type {Failure | null} */
  failure = null;
  /** @type {Extract<RunEvent, {event: "completed"}> | null} */
  completion = null;
  /** Why it was stopped: stopped, abandoned or shutdown. */
  cancelReason = "";
  percent = 0;
  sourceCount = 0;
  isCaughtUp = false;

  #words = new WordCounter();
  /** @type {number | null} */
  #wordCount = null;
  /** @type {Set<number>} */
  #cited = new Set();

  /** @param {Partial<Snapshot>} [snapshot] */
  constructor({ text = "", openText = text, blockEnds = [], citations = [], sections = [], phase = "starting", wordCount } = {}) {
    super();
    this.phase = phase;
    this.sections = sectionsOf(sections, text, phase);
    this.adopt(text, openText, blockEnds);
    for (const citation of citations) this.#cite(citation);
    this.#wordCount = wordCount ?? null;
    if (phase === "complete") this.percent = 100;
  }

  get wordCount() {
    return this.#wordCount ?? this.#words.count;
  }

  get isOver() {
    return ["complete", "stopped", "failed", "partial"].includes(this.phase);
  }

  /** @param {RunEvent} event */
  apply(event) {
    switch (event.event) {
      case "started": return this.#start();
      case "stage": return this.#enterStage(event);
      case "sources": return this.#found(event.items.length);
      case "delta": return this.append(event.text);
      case "checked": return this.#check(event);
      case "cited": return this.#cite(event.citation);
      case "block": return this.closeBlock(event);
      case "caught_up": this.isCaughtUp = true; return;
      case "completed": return this.#complete(event);
      case "failed": return this.#fail(event);
      case "cancelled": return this.#cancel(event.reason);
    }
  }

  #start() {
    this.phase = "starting";
    this.failure = null;
    this.cancelReason = "";
    this.sourceCount = 0;
  }

  /** @param {Extract<RunEvent, {event: "stage"}>} event */
  #enterStage({ name, message, percent, section = 0, sections = 0, delay_s: delayS = 0, states = [] }) {
    const phases = /** @type {Record<string, Phase>} */ ({ retrieving: "retrieving", generating: "writing", waiting: "waiting", retrying: "waiting" });
    this.phase = phases[name] ?? this.phase;
    this.percent = Math.max(this.percent, percent);
    if (this.phase === "waiting") {
      this.wait = { message, delayS };
      return;
    }
    this.stage = { message, section, sections };
    if (name === "generating" && section > 0) this.#enterSection(section, message);
    states.forEach((state, i) => {
      if (state === "skipped" && this.sections[i] !== undefined) this.sections[i].state = "skipped";
    });
  }

  /** @param {number} number from 1 @param {string} title */
  #enterSection(number, title) {
    while (this.sections.length < number) this.sections.push({ title, state: "todo", weak: 0 });
    this.sections.forEach((section, i) => {
      section.state = i + 1 < number ? "done" : i + 1 === number ? "current" : "todo";
    });
  }

  /** @param {number} count */
  #found(count) {
    this.sourceCount += count;
  }

  /** @param {string} text */
  append(text) {
    if (text === "") return;
    super.append(text);
    this.#words.add(text);
    this.#wordCount = null;
    if (this.phase === "waiting") this.phase = "writing";
  }

  /** @param {Checked} check */
  #check(check) {
    this.checks.push(check);
    const section = this.sections[(check.section ?? 0) - 1];
    if (section !== undefined && isDoubtful(check)) section.weak += 1;
  }

  /** Take the checks of the whole text. @param {Checked[]} checks */
  setChecks(checks) {
    for (const section of this.sections) section.weak = 0;
    this.checks = [];
    for (const check of checks) this.#check(check);
  }

  /** @param {Citation} citation */
  #cite(citation) {
    if (this.#cited.has(citation.number)) return;
    this.#cited.add(citation.number);
    this.citations.push(citation);
  }

  /** @param {Extract<RunEvent, {event: "completed"}>} event */
  #complete(event) {
    this.phase = "complete";
    this.completion = event;
    this.percent = 100;
    this.#wordCount = event.word_count ?? null;
    this.#endSections("done");
  }

  /** @param {Extract<RunEvent, {event: "failed"}>} event */
  #fail({ code, message, retryable = false, retry_after_s: retryAfterS = null }) {
    this.phase = "failed";
    this.failure = { code, message, retryable, retryAfterS };
    this.#endSections("todo");
  }

  /** @param {string} reason */
  #cancel(reason) {
    this.phase = "stopped";
    this.cancelReason = reason;
    this.#endSections("todo");
  }

  /** @param {"done" | "todo"} state  of the section that was being written */
  #endSections(state) {
    for (const section of this.sections) {
      if (section.state !== "skipped" && (state === "done" || section.state === "current")) section.state = state;
    }
  }
}

/** Whether a reader should look at a sentence again. @param {Checked} check */
export function isDoubtful({ verdict }) {
  return verdict === "weak" || verdict === "check";
}

/**
 * How far the sections are, as the headings in the text tell.
 * @param {string[]} titles
 * @param {string} text
 * @param {Phase} phase
 * @returns {Section[]}
 */
function sectionsOf(titles, text, phase) {
  const headings = new Set(Array.from(text.matchAll(/^#{1,6} +(.+?) *#*$/gm), (match) => match[1]));
  const last = titles.findLastIndex((title) => headings.has(title));
  const isLive = phase === "starting";
  return titles.map((title, i) => {
    if (phase === "complete" || i < last) return { title, state: "done", weak: 0 };
    return { title, state: isLive && i === last ? "current" : "todo", weak: 0 };
  });
}
