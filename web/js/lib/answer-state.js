/**
 * What is known of an answer while it is written, in a conversation or a search: the sum of its
 * events, with nothing of the page in it.
 */

import { GrowingText } from "./growing-text.js";

/** @import {Citation, OfferedSource, RunEvent, Verdict} from "./events.js" */

/**
 * @typedef {"starting" | "retrieving" | "writing" | "waiting" | "complete" | "stopped" | "failed"} AnswerPhase
 */

export class AnswerState extends GrowingText {
  /** @type {AnswerPhase} */
  phase = "starting";
  /** @type {OfferedSource[] | null} null until the documents were searched */
  sources = null;
  /** By the numbers of the text's markers. @type {Citation[]} */
  citations = [];
  /** How old the kept answer is that is given again. @type {number | null} */
  cacheAgeS = null;
  /** @type {Verdict | null} */
  verdict = null;
  /** What may be wrong with the text, in sentences. @type {string[]} */
  warnings = [];
  /** What the run ended with. @type {Record<string, any>} */
  result = {};
  /** @type {{code: string, message: string} | null} */
  failure = null;
  /** @type {{message: string, delayS: number}} */
  wait = { message: "", delayS: 0 };

  get isOver() {
    return ["complete", "stopped", "failed"].includes(this.phase);
  }

  /** @param {RunEvent} event */
  apply(event) {
    switch (event.event) {
      case "stage": return this.#enterStage(event);
      case "cache_hit": this.cacheAgeS = event.age_s; return;
      case "sources": this.sources = event.items; return;
      case "delta": return this.#write(event.text);
      case "block": return this.closeBlock(event);
      case "cited": this.citations.push(event.citation); return;
      case "verified": this.verdict = event; return;
      case "completed": return this.#complete(event);
      case "failed": return this.fail(event);
      case "cancelled": this.phase = "stopped"; return;
    }
  }

  /** @param {{code: string, message: string}} failure */
  fail({ code, message }) {
    this.phase = "failed";
    this.failure = { code, message };
  }

  /** @param {Extract<RunEvent, {event: "completed"}>} event */
  #complete({ result = {}, warnings = [] }) {
    this.phase = "complete";
    this.result = result;
    this.warnings = warnings;
  }

  /** @param {Extract<RunEvent, {event: "stage"}>} event */
  #enterStage({ name, message, delay_s: delayS = 0 }) {
    const phases = /** @type {Record<string, AnswerPhase>} */ ({ retrieving: "retrieving", generating: "writing", waiting: "waiting" });
    this.phase = phases[name] ?? this.phase;
    this.wait = { message, delayS };
  }

  /** @param {string} text */
  #write(text) {
    this.append(text);
    this.phase = "writing";
  }
}

/**
 * Sources as the citations that a conversation's markers are: [n] is the n-th of them.
 * @param {OfferedSource[]} sources
 * @returns {Citation[]}
 */
export function citationsOf(sources) {
  return sources.map((source, i) => ({ ...source, number: i + 1, confidence: source.score }));
}
