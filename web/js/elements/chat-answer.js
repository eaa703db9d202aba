import { putInBasket } from "../dom/basket-changes.js";
import { actionOf, setText, slot } from "../dom/find.js";
import { copyText } from "../dom/take-away.js";
import { AnswerState, citationsOf } from "../lib/answer-state.js";
import { ageText, millisecondsText, supportText, withSources } from "../lib/answer-text.js";

/** @import {OfferedSource, Verdict} from "../lib/events.js" */
/** @import {CitationsPanel} from "./citations-panel.js" */
/** @import {DraftText} from "./draft-text.js" */

/**
 * What the server stored of an answer.
 * @typedef {object} Snapshot
 * @property {string} content
 * @property {OfferedSource[]} sources
 * @property {boolean} [cached]
 * @property {number} [duration_ms]
 * @property {Verdict | null} [verified]
 * @property {string[]} [warnings]
 */

/**
 * One answer of a conversation: its text, how it came about, and its sources. The attribute `state`
 * is the phase of the answer. Fires `ask-again` with the question.
 */
export class ChatAnswer extends HTMLElement {
  #text = "";
  /** @type {OfferedSource[]} */
  #sources = [];

  connectedCallback() {
    this.addEventListener("click", (event) => this.#act(event));
    const stored = this.querySelector(":scope > script[data-slot=snapshot]")?.textContent;
    if (stored) this.#adopt(JSON.parse(stored));
  }

  get draftText() {
    return /** @type {DraftText} */ (this.querySelector("draft-text"));
  }

  get panel() {
    return /** @type {CitationsPanel} */ (this.querySelector("citations-panel"));
  }

  get question() {
    return slot(/** @type {Element} */ (this.closest(".exchange")), "question").textContent ?? "";
  }

  /** @param {AnswerState} state */
  paint(state) {
    if (this.getAttribute("state") !== state.phase) this.setAttribute("state", state.phase);
    this.toggleAttribute("blank", state.length === 0);
    this.draftText.paint(state, { isLive: !state.isOver && state.length > 0 });
    this.#showSources(state.sources ?? []);
    this.#showFailure(state);
    if (!state.isOver) return;
    this.#text = state.text;
    if (state.phase !== "complete") return;
    const { cached = state.cacheAgeS !== null, duration_ms: durationMs } = state.result;
    this.#showFacts({ isCached: cached, ageS: state.cacheAgeS, durationMs, verdict: state.verdict, warnings: state.warnings });
  }

  /** @param {Snapshot} snapshot */
  #adopt({ content, sources, cached = false, duration_ms: durationMs, verified = null, warnings = [] }) {
    this.#text = content;
    this.#sources = sources;
    this.#showFacts({ isCached: cached, ageS: null, durationMs, verdict: verified, warnings });
  }

  /** @param {OfferedSource[]} sources */
  #showSources(sources) {
    if (sources.length === this.#sources.length) return;
    this.#sources = sources;
    this.panel.show(citationsOf(sources));
  }

  /** @param {AnswerState} state */
  #showFailure({ failure, length }) {
    const element = slot(this, "failure");
    element.hidden = failure === null;
    if (failure === null) return;
    setText(element, `${failure.message}${length > 0 ? " What was written so far is kept." : ""}`);
    element.title = failure.code;
  }

  /** @param {{isCached: boolean, ageS: number | null, durationMs?: number, verdict: Verdict | null, warnings: string[]}} facts */
  #showFacts({ isCached, ageS, durationMs, verdict, warnings }) {
    const badge = slot(this, "badge");
    badge.dataset.status = isCached ? "cached" : "fresh";
    setText(badge, isCached ? "CACHED" : "FRESH");
    const origin = [isCached ? ageText(ageS) : "", durationMs === undefined ? "" : millisecondsText(durationMs)];
    setText(slot(this, "origin"), origin.filter(Boolean).join(" · "));
    slot(this, "facts").hidden = false;
    slot(this, "warnings").hidden = warnings.length === 0;
    setText(slot(this, "warnings"), warnings.join(" "));
    this.#showVerdict(verdict);
  }

  /** @param {Verdict | null} verdict */
  #showVerdict(verdict) {
    const support = slot(this, "support");
    support.hidden = verdict === null;
    slot(this, "issues").hidden = verdict === null || verdict.issues.length === 0;
    if (verdict === null) return;
    const { level, words } = supportText(verdict);
    support.dataset.level = level;
    setText(support, words);
    slot(this, "issue-list").replaceChildren(...verdict.issues.map((issue) => Object.assign(document.createElement("li"), { textContent: issue })));
  }

  /** @param {Event} event */
  #act(event) {
    const name = actionOf(event)?.name;
    if (name === "copy-answer") copyText(withSources(this.#text, this.#sources), "The answer and its sources were copied.");
    if (name === "use-in-draft") this.#useInDraft();
    if (name === "ask-again") this.dispatchEvent(new CustomEvent("ask-again", { bubbles: true, detail: this.question }));
  }

  #useInDraft() {
    const { kbId = "", kbName = "" } = this.dataset;
    putInBasket(kbId, kbName, this.#sources);
  }
}
