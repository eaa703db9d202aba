/**
 * What is known of a draft while it is written: the sum of its events, with nothing of the page in it.
 *
 * The text is held as closed blocks (whose HTML the server made) and one open block. No event costs
 * more because the draft is long: text is only ever appended or cut off the front of the open block.
 * Positions are UTF-16 code units of the whole text, as JavaScript counts.
 */

import { WordCounter } from "./words.js";

/** @import {Citation, RunEvent} from "./events.js" */

/**
 * @typedef {"starting" | "retrieving" | "writing" | "waiting" | "complete" | "stopped" | "failed" | "partial"} Phase
 * @typedef {{title: string, state: "todo" | "current" | "done"}} Section
 * @typedef {{code: string, message: string, retryable: boolean, retryAfterS: number | null}} Failure
 */

/**
 * @typedef {object} Snapshot
 * @property {string} text
 * @property {string} openText   the end of the text that is not closed yet
 * @property {number} blockCount  how many blocks the rest of it makes
 * @property {Citation[]} citations
 * @property {string[]} sections
 * @property {Phase} phase
 * @property {number} [wordCount]  the server's count, shown until more text comes
 */

export class DraftState {
  /** @type {Phase} */
  phase = "starting";
  /** Those of a snapshot are on the page already and come without HTML. @type {{html: string, end: number}[]} */
  blocks = [];
  /** @type {Citation[]} */
  citations = [];
  /** @type {Section[]} */
  sections = [];
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

  /** @type {string[]} */
  #closedText = [];
  #open = "";
  #openStart = 0;
  #length = 0;
  #words = new WordCounter();
  /** @type {number | null} */
  #wordCount = null;
  /** @type {Set<number>} */
  #cited = new Set();

  /** @param {Partial<Snapshot>} [snapshot] */
  constructor({ text = "", openText = text, blockCount = 0, citations = [], sections = [], phase = "starting", wordCount } = {}) {
    this.phase = phase;
    this.sections = sectionsOf(sections, text, phase);
    this.#append(text);
    const closedEnd = text.length - openText.length;
    this.blocks = Array.from({ length: blockCount }, () => ({ html: "", end: closedEnd }));
    this.#closeUpTo(closedEnd);
    for (const citation of citations) this.#cite(citation);
    this.#wordCount = wordCount ?? null;
    if (phase === "complete") this.percent = 100;
  }

  /** The whole text. */
  get text() {
    return this.#closedText.join("") + this.#open;
  }

  /** The Markdown after the last closed block. */
  get openText() {
    return this.#open;
  }

  /** Where the open text begins. */
  get openStart() {
    return this.#openStart;
  }

  get length() {
    return this.#length;
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
      case "delta": return this.#append(event.text);
      case "cited": return this.#cite(event.citation);
      case "block": return this.#closeBlock(event);
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
  #enterStage({ name, message, percent, section = 0, sections = 0, delay_s: delayS = 0 }) {
    const phases = /** @type {Record<string, Phase>} */ ({ retrieving: "retrieving", generating: "writing", waiting: "waiting", retrying: "waiting" });
    this.phase = phases[name] ?? this.phase;
    this.percent = Math.max(this.percent, percent);
    if (this.phase === "waiting") {
      this.wait = { message, delayS };
      return;
    }
    this.stage = { message, section, sections };
    if (name === "generating" && section > 0) this.#enterSection(section, message);
  }

  /** @param {number} number from 1 @param {string} title */
  #enterSection(number, title) {
    while (this.sections.length < number) this.sections.push({ title, state: "todo" });
    this.sections.forEach((section, i) => {
      section.state = i + 1 < number ? "done" : i + 1 === number ? "current" : "todo";
    });
  }

  /** @param {number} count */
  #found(count) {
    this.sourceCount += count;
  }

  /** @param {string} text */
  #append(text) {
    if (text === "") return;
    this.#words.add(text);
    this.#wordCount = null;
    this.#length += text.length;
    this.#open += text;
    const lastEnd = this.blocks.at(-1)?.end ?? 0;
    if (lastEnd > this.#openStart) this.#closeUpTo(lastEnd);
    if (this.phase === "waiting") this.phase = "writing";
  }

  /** @param {Citation} citation */
  #cite(citation) {
    if (this.#cited.has(citation.number)) return;
    this.#cited.add(citation.number);
    this.citations.push(citation);
  }

  /**
   * A block may be sent again after a reconnect. It also may come before its text does: then the
   * text that follows belongs to it.
   * @param {{index: number, html: string, end: number}} block
   */
  #closeBlock({ index, html, end }) {
    if (index !== this.blocks.length) return;
    this.blocks.push({ html, end });
    this.#closeUpTo(end);
  }

  /** @param {number} end */
  #closeUpTo(end) {
    const size = Math.min(end, this.#length) - this.#openStart;
    if (size <= 0) return;
    this.#closedText.push(this.#open.slice(0, size));
    this.#open = this.#open.slice(size);
    this.#openStart += size;
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
      if (state === "done" || section.state === "current") section.state = state;
    }
  }
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
    if (phase === "complete" || i < last) return { title, state: "done" };
    return { title, state: isLive && i === last ? "current" : "todo" };
  });
}
