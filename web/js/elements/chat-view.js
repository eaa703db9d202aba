import { linkCitations } from "../dom/citation-links.js";
import { parsePage } from "../dom/final-html.js";
import { actionOf, setText, slot } from "../dom/find.js";
import { FollowEnd } from "../dom/follow-end.js";
import { Painter } from "../dom/painter.js";
import { RunReader } from "../dom/run-reader.js";
import { localStorageOrNull, sessionStorageOrNull } from "../dom/storage.js";
import { ActiveRun } from "../lib/active-run.js";
import { AnswerState } from "../lib/answer-state.js";
import { answerStatus } from "../lib/answer-text.js";
import { newKey } from "../lib/idempotency-key.js";
import { TypedInput } from "../lib/typed-input.js";

/** @import {RunEvent} from "../lib/events.js" */
/** @import {ChatAnswer} from "./chat-answer.js" */
/** @import {CitationPopover} from "./citation-popover.js" */
/** @import {ConversationList} from "./conversation-list.js" */
/** @import {ModelChoice} from "./model-choice.js" */

/**
 * The answer being read. `storedBefore` is how many exchanges the page had: one more after a reload,
 * and the server has stored this one.
 * @typedef {{runId: string, sessionId: string, query: string, storedBefore: number}} Asked
 */

/**
 * A conversation: asks, shows the answer while it is written, and finds it again after a reload. The
 * attribute `state` is `idle` or the phase of the answer being read, or `stopping`.
 */
export class ChatView extends HTMLElement {
  #life = new AbortController();
  #painter = new Painter(() => this.#paint());
  #typed = new TypedInput(localStorageOrNull(), `chat:${this.dataset.kbId}`);
  /** @type {ActiveRun<Asked>} */
  #active = new ActiveRun(sessionStorageOrNull(), `chat:${this.dataset.kbId}`);
  #sessionId = this.dataset.sessionId ?? "";
  #state = new AnswerState();
  #isStopping = false;
  /** @type {ChatAnswer | null} */
  #answer = null;
  /** @type {Omit<Asked, "runId">} */
  #asked = { sessionId: "", query: "", storedBefore: 0 };
  /** @type {RunReader} */
  #reader = /** @type {any} */ (null);
  /** @type {FollowEnd} */
  #follow = /** @type {any} */ (null);

  connectedCallback() {
    const { signal } = this.#life;
    this.#follow = new FollowEnd(() => this.#offerJump(), signal);
    this.#reader = new RunReader(this, {
      onEvent: (event) => this.#apply(event),
      onOpen: (runId) => this.#active.keep({ runId, ...this.#asked }),
      onRefused: (error) => this.#fail(error),
    }, signal);
    this.#listen(signal);
    linkCitations(this, {
      partsOf: (target) => {
        const answer = /** @type {ChatAnswer | null} */ (target.closest("chat-answer"));
        return answer && { text: answer.draftText, panel: answer.panel };
      },
      popover: /** @type {CitationPopover} */ (this.querySelector("citation-popover")),
      signal,
      onLeave: () => this.#follow.pause(),
    });
    this.#restore();
  }

  disconnectedCallback() {
    this.#life.abort();
    this.#painter.stop();
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    this.addEventListener("click", (event) => {
      const name = actionOf(event)?.name;
      if (name === "stop") this.#stop();
      if (name === "jump") this.#follow.jump();
    }, { signal });
    this.addEventListener("ask-again", (event) => {
      this.#ask(/** @type {CustomEvent<string>} */ (event).detail, { isAgain: true });
    }, { signal });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    }, { signal });
    this.#input.addEventListener("keydown", (event) => this.#onKey(event), { signal });
    this.#input.addEventListener("input", () => {
      this.#typed.keep({ query: this.#input.value });
    }, { signal });
  }

  // --- parts ------------------------------------------------------------------------------------

  get #form() {
    return /** @type {HTMLFormElement} */ (slot(this, "form"));
  }

  get #input() {
    return /** @type {HTMLTextAreaElement} */ (slot(this, "query"));
  }

  get #exchanges() {
    return slot(this, "exchanges");
  }

  get #models() {
    return /** @type {ModelChoice} */ (this.querySelector("model-choice"));
  }

  get #isBusy() {
    return this.#answer !== null && !this.#state.isOver;
  }

  // --- asking -----------------------------------------------------------------------------------

  /** Show what was typed, and the answer that this tab was reading. */
  #restore() {
    const { query } = this.#typed.read();
    if (typeof query === "string") this.#input.value = query;
    const asked = this.#active.find();
    const stored = this.#exchanges.children.length;
    if (asked === null || asked.sessionId !== new URLSearchParams(location.search).get("session")) {
      if (stored > 0) this.#follow.jump();
      return;
    }
    if (stored > asked.storedBefore) {
      this.#active.forget();
      return this.#follow.jump();
    }
    this.#sessionId = asked.sessionId;
    this.#open(asked.query);
    this.#reader.attach(asked.runId);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.key === "Escape" && this.#isBusy) this.#stop();
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#send();
  }

  #send() {
    const query = this.#input.value.trim();
    if (query === "" || this.#isBusy) return;
    this.#input.value = "";
    this.#typed.forget();
    this.#ask(query);
  }

  /** @param {string} query @param {{isAgain?: boolean}} [options] */
  #ask(query, { isAgain = false } = {}) {
    if (this.#isBusy) return;
    if (this.#sessionId === "") this.#openSession();
    this.#open(query);
    this.#reader.start("/api/chat/stream?dialect=native", {
      query,
      corpus_id: this.dataset.kbId,
      session_id: this.#sessionId,
      refresh_cache: isAgain,
      model: this.#models.value,
    });
  }

  #openSession() {
    this.#sessionId = newKey();
    const url = new URL(location.href);
    url.searchParams.set("session", this.#sessionId);
    history.replaceState(null, "", url);
  }

  /** Put the question on the page, and room for its answer. @param {string} query */
  #open(query) {
    this.#asked = { sessionId: this.#sessionId, query, storedBefore: this.#exchanges.children.length };
    const template = /** @type {HTMLTemplateElement} */ (this.querySelector(".chat-main > template"));
    const exchange = /** @type {HTMLElement} */ (document.importNode(/** @type {Element} */ (template.content.firstElementChild), true));
    slot(exchange, "question").textContent = query;
    this.#exchanges.append(exchange);
    slot(this, "no-exchanges").hidden = true;
    this.#answer = /** @type {ChatAnswer} */ (exchange.querySelector("chat-answer"));
    this.#state = new AnswerState();
    this.#isStopping = false;
    this.#paint();
    this.#follow.jump();
  }

  #stop() {
    if (!this.#isBusy || this.#isStopping) return;
    this.#isStopping = true;
    this.#painter.request();
    this.#reader.cancel();
  }

  // --- reading ----------------------------------------------------------------------------------

  /** @param {RunEvent} event */
  #apply(event) {
    this.#state.apply(event);
    if (this.#state.isOver) this.#end();
    this.#painter.request();
  }

  /** @param {{code: string, message: string}} error */
  #fail(error) {
    this.#state.fail(error);
    this.#active.forget();
    this.#painter.request();
  }

  #end() {
    this.#isStopping = false;
    if (this.#state.phase !== "complete") return;
    this.#active.forget();
    this.#listConversations();
  }

  /** The first answer of a conversation makes it one. */
  async #listConversations() {
    const response = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (response === null || !response.ok) return;
    const fresh = parsePage(await response.text()).querySelector("conversation-list");
    if (fresh !== null) /** @type {ConversationList} */ (this.querySelector("conversation-list")).adopt(fresh);
  }

  #paint() {
    if (this.#answer === null) return;
    this.#answer.paint(this.#state);
    const state = this.#isStopping ? "stopping" : this.#state.phase;
    if (this.getAttribute("state") !== state) this.setAttribute("state", state);
    setText(slot(this, "status"), this.#isStopping ? "Stopping…" : answerStatus(this.#state));
    this.#models.disabled = this.#isBusy;
    this.#follow.keepUp();
    this.#offerJump();
  }

  #offerJump() {
    const button = /** @type {HTMLElement} */ (this.querySelector("[data-action=jump]"));
    button.hidden = this.#follow.isFollowing || !this.#isBusy;
  }
}
