/**
 * Shows where a draft stands: its text, what the page says around it, and how the connection is. It
 * may be painted thirty times a second, so nothing here looks at the whole text.
 */

import { plural, progressText } from "../lib/progress-text.js";
import { setText } from "./find.js";
import { FollowEnd } from "./follow-end.js";

/** @import {DraftState} from "../lib/draft-state.js" */
/** @import {Connection} from "../lib/event-stream.js" */
/** @import {DraftParts} from "./draft-parts.js" */

/**
 * What the reader did that the events do not say.
 * @typedef {"" | "stopping" | "kept" | "discarded"} Choice
 *
 * @typedef {object} Standing
 * @property {DraftState} state
 * @property {Choice} choice
 * @property {string} typeName
 * @property {string} editStatus          what the editor says of itself, if it is open
 * @property {number | null} savedWords   in the text as a person saved it
 */

const OFFER_COPY_AFTER_ATTEMPTS = 3;
const SERVER_GONE = "The server cannot be reached. All text so far is on this page; take a copy if you need to go on without it.";

export class DraftDisplay {
  #root;
  #parts;
  #follow;
  /** As painted last. @type {DraftState | null} */
  #state = null;
  /** Of the reconnection under way, else 0. */
  #attempt = 0;

  /** @param {HTMLElement} root @param {DraftParts} parts @param {AbortSignal} signal */
  constructor(root, parts, signal) {
    this.#root = root;
    this.#parts = parts;
    this.#follow = new FollowEnd(() => this.#offerJump(), signal);
    this.#measureHeader(signal);
  }

  /** @param {Standing} standing */
  paint(standing) {
    const { state, choice } = standing;
    this.#state = state;
    const isLive = !state.isOver && choice === "";
    this.#setState(choice || state.phase);
    this.#parts.text.paint(state, { isLive });
    this.#root.toggleAttribute("sectioned", state.sections.length > 1);
    this.#root.toggleAttribute("blank", state.length === 0);
    this.#parts.tree.show(state.sections);
    setText(this.#parts.status, this.#statusText(standing));
    this.#showCounts(standing);
    this.#showPercent(state);
    this.#showFailure(state);
    this.#showFollowing(isLive);
  }

  /** @param {Connection} connection */
  showConnection(connection) {
    const { state, attempt } = connection;
    if (state === "connecting" && attempt > 0) return;
    this.#attempt = state === "live" ? 0 : attempt;
    this.#root.setAttribute("connection", this.#attempt === 0 ? "fine" : "lost");
    this.#parts.banner.show(connection);
    if (attempt >= OFFER_COPY_AFTER_ATTEMPTS) this.#parts.copy.offer(SERVER_GONE);
    else if (this.#attempt === 0) this.#parts.copy.hidden = true;
  }

  /** There is nothing left to try. @param {string} message */
  showGone(message) {
    this.#root.setAttribute("connection", "gone");
    this.#parts.banner.showGone(message);
    this.#parts.copy.offer("The text on this page is still yours to take.");
  }

  /** Follow the text as it grows. */
  jump() {
    this.#follow.jump();
  }

  /** Stay where the reader was led to. */
  pause() {
    this.#follow.pause();
  }

  /** @param {string} state */
  #setState(state) {
    if (this.#root.getAttribute("state") !== state) this.#root.setAttribute("state", state);
  }

  /** @param {Standing} standing */
  #statusText({ state, choice, typeName, editStatus }) {
    if (this.#attempt > 0 && !state.isOver) return `Reconnecting, attempt ${this.#attempt}`;
    if (choice === "stopping") return "Stopping…";
    if (editStatus !== "" && this.#parts.editor.isActive) return editStatus;
    if (choice === "kept") return `Saved as a partial draft: ${plural(state.wordCount, "word")}.`;
    if (choice === "discarded") return "Discarded";
    return progressText(state, { typeName });
  }

  /** @param {Standing} standing */
  #showCounts({ state, savedWords }) {
    const { editor, panel, words, citations } = this.#parts;
    const shown = editor.isActive ? editor.citations : state.citations;
    if (!editor.isActive) panel.show(shown);
    setText(words, plural(savedWords ?? state.wordCount, "word"));
    setText(citations, plural(shown.length, "citation"));
  }

  /** The bar stays where it is when a draft was not finished. @param {DraftState} state */
  #showPercent({ isOver, phase, percent }) {
    const { progress } = this.#parts;
    if ((!isOver || phase === "complete") && progress.value !== percent) progress.value = percent;
  }

  /** @param {DraftState} state */
  #showFailure({ failure, length }) {
    if (failure === null) return;
    setText(this.#parts.failedText, `${failure.message} ${length > 0 ? "What was written so far is kept." : "Nothing was written yet."}`);
    setText(this.#parts.failedCode, failure.code);
    setText(this.#parts.retryLabel, length > 0 ? "Resume" : "Retry");
  }

  /** @param {boolean} isLive */
  #showFollowing(isLive) {
    this.#follow.isLive = isLive;
    const follows = isLive && this.#follow.isFollowing;
    if (this.#root.hasAttribute("follows") !== follows) this.#root.toggleAttribute("follows", follows);
    this.#offerJump();
  }

  #offerJump() {
    this.#parts.jump.hidden = this.#follow.isFollowing || this.#state === null || this.#state.isOver || this.#state.length === 0;
  }

  /** The side columns stick below the header, whatever it holds. @param {AbortSignal} signal */
  #measureHeader(signal) {
    const { header } = this.#parts;
    const observer = new ResizeObserver(() => this.#root.style.setProperty("--header-height", `${header.offsetHeight}px`));
    observer.observe(header);
    signal.addEventListener("abort", () => observer.disconnect());
  }
}
