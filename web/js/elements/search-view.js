import { linkCitations } from "../dom/citation-links.js";
import { actionOf, setText, slot } from "../dom/find.js";
import { Painter } from "../dom/painter.js";
import { RunReader } from "../dom/run-reader.js";
import { copyText } from "../dom/take-away.js";
import { AnswerState } from "../lib/answer-state.js";
import { answerStatus, searchConfidence, withSources } from "../lib/answer-text.js";
import { plural } from "../lib/progress-text.js";

/** @import {Citation, RunEvent} from "../lib/events.js" */
/** @import {CitationPopover} from "./citation-popover.js" */
/** @import {CitationsPanel} from "./citations-panel.js" */
/** @import {DraftText} from "./draft-text.js" */
/** @import {ResultList} from "./result-list.js" */

const LIMIT = 10;

/**
 * A search: the passages at once, and an answer written from them. The address holds the search, so
 * that it can be kept and sent. The attribute `state` is `idle` or the phase of the answer.
 */
export class SearchView extends HTMLElement {
  #life = new AbortController();
  #painter = new Painter(() => this.#paint());
  #state = new AnswerState();
  #shownCitations = 0;
  /** @type {object | null} the sources that are listed */
  #listed = null;
  /** @type {RunReader} */
  #reader = /** @type {any} */ (null);

  connectedCallback() {
    const { signal } = this.#life;
    this.#reader = new RunReader(this, {
      onEvent: (event) => this.#apply(event),
      onRefused: (error) => {
        this.#state.fail(error);
        this.#painter.request();
      },
    }, signal);
    linkCitations(this, {
      partsOf: () => ({ text: this.#text, panel: this.#panel }),
      popover: /** @type {CitationPopover} */ (this.querySelector("citation-popover")),
      signal,
    });
    this.#listen(signal);
    this.#searchFromAddress();
  }

  disconnectedCallback() {
    this.#life.abort();
    this.#painter.stop();
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    this.addEventListener("click", (event) => {
      const name = actionOf(event)?.name;
      if (name === "stop") this.#reader.cancel();
      if (name === "copy-answer") copyText(withSources(this.#state.text, this.#state.citations), "The answer and its sources were copied.");
    }, { signal });
    slot(this, "form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    }, { signal });
    this.#kb.addEventListener("change", () => {
      if (this.#query.value.trim() !== "") this.#submit();
    }, { signal });
    window.addEventListener("popstate", () => this.#searchFromAddress(), { signal });
  }

  // --- parts ------------------------------------------------------------------------------------

  get #query() {
    return /** @type {HTMLInputElement} */ (slot(this, "query"));
  }

  get #kb() {
    return /** @type {HTMLSelectElement} */ (slot(this, "kb"));
  }

  get #text() {
    return /** @type {DraftText} */ (this.querySelector("draft-text"));
  }

  get #panel() {
    return /** @type {CitationsPanel} */ (this.querySelector("citations-panel"));
  }

  get #results() {
    return /** @type {ResultList} */ (this.querySelector("result-list"));
  }

  // --- searching --------------------------------------------------------------------------------

  #submit() {
    const query = this.#query.value.trim();
    if (query === "") return;
    const address = new URLSearchParams({ q: query, ...(this.#kb.value ? { kb: this.#kb.value } : {}) });
    history.pushState(null, "", `/search?${address}`);
    this.#search(query);
  }

  #searchFromAddress() {
    const address = new URLSearchParams(location.search);
    this.#query.value = address.get("q") ?? "";
    const kbId = address.get("kb") ?? "";
    this.#kb.value = Array.from(this.#kb.options).some(({ value }) => value === kbId) ? kbId : "";
    if (this.#query.value.trim() !== "") this.#search(this.#query.value.trim());
    else this.#query.focus();
  }

  /** @param {string} query */
  #search(query) {
    document.title = `${query} · Search · Footnote`;
    this.#state = new AnswerState();
    this.#shownCitations = 0;
    this.#panel.clear();
    this.#text.clear();
    this.#paint();
    this.#reader.start("/api/v1/search?dialect=native", { query, limit: LIMIT, ...(this.#kb.value ? { kb_ids: [this.#kb.value] } : {}) });
  }

  /** @param {RunEvent} event */
  #apply(event) {
    this.#state.apply(event);
    this.#painter.request();
  }

  // --- what is shown ----------------------------------------------------------------------------

  #paint() {
    const state = this.#state;
    this.setAttribute("state", state.phase);
    this.toggleAttribute("blank", state.length === 0);
    this.#text.paint(state, { isLive: !state.isOver && state.length > 0 });
    setText(slot(this, "status"), this.#statusText());
    this.#showResults();
    this.#showCitations();
    this.#showConfidence();
    const failure = slot(this, "failure");
    failure.hidden = state.failure === null;
    setText(failure, state.failure === null ? "" : `${state.failure.message}${state.sources?.length ? " The results below are what was found." : ""}`);
    slot(this, "warnings").hidden = state.warnings.length === 0;
    setText(slot(this, "warnings"), state.warnings.join(" "));
    slot(this, "actions").hidden = !state.isOver || state.length === 0;
  }

  #statusText() {
    const { phase, sources } = this.#state;
    if (phase !== "complete") return answerStatus(this.#state);
    return sources?.length ? `Answered from ${plural(sources.length, "result")}.` : "Nothing was found about this. Try other words, or another knowledge base.";
  }

  #showResults() {
    const { sources } = this.#state;
    if (sources === null || sources === this.#listed) return;
    this.#listed = sources;
    const kbNames = new Map(Array.from(this.#kb.options, ({ value, text }) => [value, text]));
    this.#results.show(sources, { query: this.#query.value, kbNames });
    setText(slot(this, "results-heading"), plural(sources.length, "result"));
  }

  #showCitations() {
    const citations = this.#citations;
    if (citations.length === this.#shownCitations) return;
    if (this.#shownCitations === 0) this.#panel.open();
    this.#shownCitations = citations.length;
    this.#panel.show(citations);
    this.#results.markCited(citations);
  }

  /** With where each document is. @returns {Citation[]} */
  get #citations() {
    const kbOf = new Map((this.#state.sources ?? []).map(({ chunk_id: id, kb_id: kb }) => [id, kb]));
    return this.#state.citations.map((citation) => ({ ...citation, kb_id: kbOf.get(citation.chunk_id ?? "") }));
  }

  #showConfidence() {
    const { result, phase } = this.#state;
    const percent = result.confidence_score;
    const isKnown = typeof percent === "number";
    const { level, words } = searchConfidence(isKnown ? percent : 0);
    slot(this, "confidence").dataset.level = isKnown ? level : "none";
    /** @type {HTMLProgressElement} */ (slot(this, "confidence-bar")).value = isKnown ? percent : 0;
    const unknown = phase === "stopped" || phase === "failed" ? "No confidence: the answer is not whole." : "Confidence is measured when the answer is whole.";
    setText(slot(this, "confidence-text"), isKnown ? words : unknown);
  }
}
