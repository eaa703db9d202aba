import { linkCitations } from "../dom/citation-links.js";
import { onceBack } from "../dom/coming-back.js";
import { DelayedDelete } from "../dom/delayed-delete.js";
import { parsePage } from "../dom/final-html.js";
import { actionOf, setText, slot } from "../dom/find.js";
import { DraftSupport } from "../dom/draft-support.js";
import { FollowEnd } from "../dom/follow-end.js";
import { notify, notifyError } from "../dom/messages.js";
import { Painter } from "../dom/painter.js";
import { RunStream } from "../dom/run-stream.js";
import { localStorageOrNull } from "../dom/storage.js";
import { request } from "../lib/api.js";
import { backoffMs } from "../lib/backoff.js";
import { debugLog } from "../lib/debug-log.js";
import { DraftState } from "../lib/draft-state.js";
import { EventStream } from "../lib/event-stream.js";
import { newKey } from "../lib/idempotency-key.js";
import { plural, progressText } from "../lib/progress-text.js";
import { isSignedOut } from "../lib/run-requests.js";

/** @import {ApiError} from "../lib/api.js" */
/** @import {Phase} from "../lib/draft-state.js" */
/** @import {Coverage} from "../dom/draft-support.js" */
/** @import {Checked, Citation, RunEvent} from "../lib/events.js" */
/** @import {Connection} from "../lib/event-stream.js" */
/** @import {CitationPopover} from "./citation-popover.js" */
/** @import {CitationsPanel} from "./citations-panel.js" */
/** @import {ConnectionBanner} from "./connection-banner.js" */
/** @import {DraftEditor} from "./draft-editor.js" */
/** @import {DraftText} from "./draft-text.js" */
/** @import {ExportDialog} from "./export-dialog.js" */
/** @import {FeedbackDialog} from "./feedback-dialog.js" */
/** @import {LocalCopyOffer} from "./local-copy-offer.js" */
/** @import {RewriteDialog} from "./rewrite-dialog.js" */
/** @import {SectionTree} from "./section-tree.js" */
/** @import {VerifyDialog} from "./verify-dialog.js" */
/** @import {VersionsDialog} from "./versions-dialog.js" */

/**
 * What the server knew of the draft when it made the page.
 * @typedef {object} Snapshot
 * @property {string} kbId
 * @property {string} draftId
 * @property {string | null} runId
 * @property {number} after       the run's last event that `content` includes
 * @property {boolean} isLive
 * @property {string} title
 * @property {string} typeName
 * @property {string} status
 * @property {string} content
 * @property {string} openText
 * @property {number[]} blockEnds  in UTF-16 code units
 * @property {number} version
 * @property {boolean} mayEdit
 * @property {number} wordCount
 * @property {string[]} sections
 * @property {Citation[]} citations
 * @property {{code: string, message: string, retryable?: boolean} | null} failure
 */

const OFFER_COPY_AFTER_ATTEMPTS = 3;
const SERVER_GONE = "The server cannot be reached. All text so far is on this page; take a copy if you need to go on without it.";

/**
 * A draft while it is written: reads its run, keeps the parts of the page in step with the state, and
 * carries out what the reader asks for. The attribute `state` is the phase of the draft, or
 * `stopping`, `kept`, `discarded`; the attribute `connection` is `fine`, `lost` or `gone`.
 */
export class StreamingDraftView extends HTMLElement {
  #life = new AbortController();
  /** @type {Map<string, HTMLElement>} */
  #parts = new Map();
  #painter = new Painter(() => this.#paint());
  #log = debugLog(localStorageOrNull(), console.debug);
  #state = new DraftState();
  /** @type {Snapshot} */
  #snapshot = /** @type {any} */ (null);
  /** @type {RunStream | null} */
  #stream = null;
  /** @type {FollowEnd | null} */
  #follow = null;
  /** @type {DelayedDelete | null} */
  #deletion = null;
  /** Of the reconnection under way, else 0. */
  #attempt = 0;
  /** How often the draft was taken anew since an event last came. */
  #recoveries = 0;
  /** What the reader did that the events do not say. @type {"" | "stopping" | "kept" | "discarded"} */
  #choice = "";
  /** What the editor says of itself. */
  #editStatus = "";
  /** @type {number | null} */
  #wordsSaved = null;
  #isOpening = false;
  /** @type {DraftSupport | null} */
  #support = null;

  connectedCallback() {
    const { signal } = this.#life;
    this.#follow = new FollowEnd((isFollowing) => this.#offerJump(isFollowing), signal);
    this.addEventListener("click", (event) => this.#act(event), { signal });
    this.addEventListener("reconnect-requested", () => this.#stream?.wake(), { signal });
    this.#support = new DraftSupport((i) => this.#text.blockAt(i), (coverage) => this.#showCoverage(coverage), signal);
    this.#listenToParts(signal);
    this.#measureHeader(signal);
    const snapshot = readSnapshot(this);
    this.#copy.watch(snapshot.draftId, () => ({ title: snapshot.title, text: this.#state.text, words: this.#state.wordCount }));
    this.#start(snapshot);
    if (location.hash === "#resume" && snapshot.status === "partial") this.#resumeOnce();
  }

  disconnectedCallback() {
    this.#life.abort();
    this.#stream?.close();
    this.#painter.stop();
  }

  // --- parts ------------------------------------------------------------------------------------

  /**
   * Found once: a search would walk through the text, which grows.
   * @template {HTMLElement} [T=HTMLElement]
   * @param {string} selector
   * @returns {T}
   */
  #part(selector) {
    const part = this.#parts.get(selector) ?? /** @type {HTMLElement} */ (this.querySelector(selector));
    this.#parts.set(selector, part);
    return /** @type {T} */ (part);
  }

  get #text() {
    return /** @type {DraftText} */ (this.#part("draft-text"));
  }

  get #editor() {
    return /** @type {DraftEditor} */ (this.#part("draft-editor"));
  }

  get #panel() {
    return /** @type {CitationsPanel} */ (this.#part("citations-panel"));
  }

  get #popover() {
    return /** @type {CitationPopover} */ (this.#part("citation-popover"));
  }

  get #banner() {
    return /** @type {ConnectionBanner} */ (this.#part("connection-banner"));
  }

  get #copy() {
    return /** @type {LocalCopyOffer} */ (this.#part("local-copy-offer"));
  }

  get #tree() {
    return /** @type {SectionTree} */ (this.#part("section-tree"));
  }

  /** The side columns stick below the header, whatever it holds. @param {AbortSignal} signal */
  #measureHeader(signal) {
    const header = /** @type {HTMLElement} */ (this.querySelector(".draft-header"));
    const observer = new ResizeObserver(() => this.style.setProperty("--header-height", `${header.offsetHeight}px`));
    observer.observe(header);
    signal.addEventListener("abort", () => observer.disconnect());
  }

  /** @param {AbortSignal} signal */
  #listenToParts(signal) {
    linkCitations(this, {
      partsOf: () => ({ text: this.#text, panel: this.#panel }),
      popover: this.#popover,
      signal,
      onLeave: () => this.#follow?.pause(),
    });
    this.addEventListener("edit-status", (event) => {
      this.#editStatus = /** @type {CustomEvent} */ (event).detail;
      this.#painter.request();
    }, { signal });
    this.addEventListener("draft-edited", () => this.#showEdit(), { signal });
    this.addEventListener("draft-saved", (event) => {
      this.#wordsSaved = /** @type {CustomEvent} */ (event).detail.word_count;
      if (this.#choice === "kept") this.#own();
      this.#painter.request();
    }, { signal });
    this.addEventListener("section-chosen", (event) => {
      if (this.#text.goToHeading(/** @type {CustomEvent} */ (event).detail)) this.#follow?.pause();
    }, { signal });
  }

  // --- the run ----------------------------------------------------------------------------------

  /** @param {Snapshot} snapshot */
  #start(snapshot) {
    this.#snapshot = snapshot;
    this.#choice = "";
    this.#support?.reset();
    this.#editStatus = "";
    this.#wordsSaved = null;
    this.#state = new DraftState({
      text: snapshot.content,
      openText: snapshot.openText,
      blockEnds: snapshot.blockEnds,
      citations: snapshot.citations,
      sections: snapshot.sections,
      phase: phaseOf(snapshot),
      wordCount: snapshot.wordCount,
    });
    if (snapshot.failure) this.#state.failure = { retryable: true, retryAfterS: null, ...snapshot.failure };
    this.#showConnection({ state: "live", attempt: 0, delayMs: 0 });
    this.#paint();
    if (snapshot.isLive && snapshot.runId) this.#read(snapshot.runId, snapshot.after);
    else if (snapshot.status === "partial") this.#copy.offerIfLonger();
    else this.#copy.forget();
  }

  /** @param {string} runId @param {number} after */
  async #read(runId, after) {
    this.#stream?.close();
    const stream = new RunStream({ runId, after }, {
      onEvent: (event) => this.#apply(event),
      onConnection: (connection) => this.#showConnection(connection),
      log: this.#log,
    });
    this.#stream = stream;
    const outcome = await stream.run();
    if (outcome.kind !== "refused") return;
    if (isSignedOut(outcome.error)) this.#awaitSignIn(outcome.error, () => this.#read(runId, stream.cursor));
    else await this.#recover(outcome.error);
  }

  /** @param {RunEvent} event */
  #apply(event) {
    this.#state.apply(event);
    this.#recoveries = 0;
    if (this.#state.isOver) this.#choice = "";
    if (this.#state.phase === "complete") this.#copy.forget();
    else this.#copy.keep();
    if (this.#choice !== "stopping") this.#painter.request();
  }

  /**
   * The run cannot be read any further from here: take what the server has, and never show less
   * than before.
   * @param {ApiError} error
   */
  async #recover(error) {
    this.#log("reading was refused", error);
    if (this.#recoveries > 0) await sleep(backoffMs(this.#recoveries, 1_000, Math.random()));
    this.#recoveries += 1;
    try {
      await this.#reload();
    } catch (failure) {
      this.#showGone(`${error.message} The text here is kept until you close this page.`);
      this.#log("reload failed", failure);
    }
  }

  /** @param {ApiError} error @param {() => void} goOn */
  #awaitSignIn(error, goOn) {
    this.#log("signed out", error);
    this.#showGone(error.message);
    onceBack(goOn, this.#life.signal);
  }

  /** Take the draft anew from the server, in place. */
  async #reload() {
    const response = await fetch(location.pathname, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const fresh = parsePage(await response.text()).querySelector("streaming-draft-view");
    if (fresh === null) throw new Error("not a draft page");
    const snapshot = readSnapshot(fresh);
    if (snapshot.content.length < this.#state.length && !snapshot.isLive) this.#copy.keep({ now: true });
    this.#editor.end();
    this.#text.adopt(/** @type {Element} */ (fresh.querySelector("draft-text")));
    this.#panel.adopt(/** @type {Element} */ (fresh.querySelector("citations-panel")));
    this.#start(snapshot);
  }

  // --- in a person's hands ----------------------------------------------------------------------

  /** Let the finished text be edited where it stands. */
  async #edit() {
    const { mayEdit, draftId } = this.#snapshot;
    if (!mayEdit || this.#editor.isActive || this.#isOpening || this.#state.openText !== "") return;
    this.#isOpening = true;
    try {
      const isFresh = this.#snapshot.status === "streaming";
      const { version, citations } = isFresh ? await request("GET", `/api/v1/drafts/${draftId}`) : { ...this.#snapshot, citations: this.#state.citations };
      this.#text.removeAttribute("aria-busy");
      this.#editor.begin({ draftId, pieces: this.#state.pieces, citations, version });
    } catch (error) {
      this.#log("the draft cannot be edited", error);
    }
    this.#isOpening = false;
    this.#support?.ask(this.#editor, (checks) => this.#takeChecks(checks));
    this.#painter.request();
  }

  /** @param {Checked[]} checks */
  #takeChecks(checks) {
    this.#state.setChecks(checks);
    this.#painter.request();
  }

  /** @param {Coverage} coverage */
  #showCoverage({ supported, total }) {
    const doubtful = total - supported;
    setText(this.#part("[data-slot=coverage]"), total === 0 ? "" : `${supported} of ${plural(total, "sentence")} supported`);
    for (const button of this.querySelectorAll(".coverage button")) /** @type {HTMLElement} */ (button).hidden = doubtful === 0;
  }

  /** What a person has changed is theirs, and whole. */
  #own() {
    this.#choice = "";
    this.#state.phase = "complete";
  }

  #showEdit() {
    this.#panel.showOnly(this.#editor.citations);
    this.#support?.askSoon(this.#editor, (checks) => this.#takeChecks(checks));
    this.#painter.request();
  }

  // --- what is shown ----------------------------------------------------------------------------

  #paint() {
    const state = this.#state;
    const isLive = !state.isOver && this.#choice === "";
    this.#setState(this.#choice || state.phase);
    this.#text.paint(state, { isLive });
    this.#support?.follow(state);
    this.toggleAttribute("sectioned", state.sections.length > 1);
    this.toggleAttribute("blank", state.length === 0);
    if (!this.#editor.isActive) this.#panel.show(state.citations);
    this.#tree.show(state.sections);
    setText(this.#part("[data-slot=status]"), this.#statusText());
    setText(this.#part("[data-slot=words]"), plural(this.#wordsSaved ?? state.wordCount, "word"));
    setText(this.#part("[data-slot=citations]"), plural(this.#editor.isActive ? this.#editor.citations.length : state.citations.length, "citation"));
    this.#showPercent(state.isOver && state.phase !== "complete" ? null : state.percent);
    this.#showFailure();
    if (this.#follow !== null) this.#follow.isLive = isLive;
    const follows = isLive && (this.#follow?.isFollowing ?? false);
    if (this.hasAttribute("follows") !== follows) this.toggleAttribute("follows", follows);
    this.#offerJump(this.#follow?.isFollowing ?? true);
    if (this.#choice === "kept" || (state.phase === "complete" && this.#choice === "")) this.#edit();
  }

  /** @param {string} state */
  #setState(state) {
    if (this.getAttribute("state") !== state) this.setAttribute("state", state);
  }

  #statusText() {
    if (this.#attempt > 0 && !this.#state.isOver) return `Reconnecting, attempt ${this.#attempt}`;
    if (this.#choice === "stopping") return "Stopping…";
    if (this.#editStatus !== "" && this.#editor.isActive) return this.#editStatus;
    if (this.#choice === "kept") return `Saved as a partial draft: ${plural(this.#state.wordCount, "word")}.`;
    if (this.#choice === "discarded") return "Discarded";
    return progressText(this.#state, this.#snapshot);
  }

  /** @param {number | null} percent null leaves the bar as it is */
  #showPercent(percent) {
    const progress = /** @type {HTMLProgressElement} */ (this.#part("[data-slot=progress]"));
    if (percent !== null && progress.value !== percent) progress.value = percent;
  }

  #showFailure() {
    const { failure } = this.#state;
    if (failure === null) return;
    setText(this.#part("[data-slot=failed-text]"), `${failure.message} ${this.#state.length > 0 ? "What was written so far is kept." : "Nothing was written yet."}`);
    setText(this.#part("[data-slot=failed-code]"), failure.code);
    setText(this.#part("[data-slot=retry-label]"), this.#state.length > 0 ? "Resume" : "Retry");
  }

  /** @param {Connection} connection */
  #showConnection(connection) {
    const { state, attempt } = connection;
    if (state === "connecting" && attempt > 0) return;
    this.#attempt = state === "live" ? 0 : attempt;
    this.setAttribute("connection", this.#attempt === 0 ? "fine" : "lost");
    this.#banner.show(connection);
    if (attempt >= OFFER_COPY_AFTER_ATTEMPTS) this.#copy.offer(SERVER_GONE);
    else if (this.#attempt === 0) this.#copy.hidden = true;
    if (this.#choice !== "stopping") this.#painter.request();
  }

  /** @param {string} message */
  #showGone(message) {
    this.setAttribute("connection", "gone");
    this.#banner.showGone(message);
    this.#copy.offer("The text on this page is still yours to take.");
  }

  /** @param {boolean} isFollowing */
  #offerJump(isFollowing) {
    const button = this.#part("[data-action=jump]");
    button.hidden = isFollowing || this.#state.isOver || this.#state.length === 0;
  }

  // --- what the reader asks for -----------------------------------------------------------------

  /** @param {Event} event */
  #act(event) {
    /** @type {Record<string, () => unknown>} */
    const actions = {
      "stop": () => this.#stop(),
      "skip": () => this.#skip(),
      "next-doubtful": () => this.#goToDoubtful(1),
      "previous-doubtful": () => this.#goToDoubtful(-1),
      "resume": () => this.#resume(),
      "keep": () => this.#keep(),
      "discard": () => this.#discard(),
      "undo-discard": () => this.#undoDiscard(),
      "jump": () => this.#follow?.jump(),
      "open-rewrite": () => this.#rewrite(),
      "open-verify": () => this.#verify(),
      "open-versions": () => /** @type {VersionsDialog} */ (this.querySelector("versions-dialog")).open(this.#editor),
      "open-export": () => /** @type {ExportDialog} */ (this.querySelector("export-dialog")).open(this.#snapshot.draftId, this.#editor),
      "open-feedback": () => /** @type {FeedbackDialog} */ (this.querySelector("feedback-dialog")).open(this.#snapshot.draftId),
    };
    const action = actionOf(event);
    if (action !== null && Object.hasOwn(actions, action.name)) actions[action.name]();
  }

  /** Stop at once on the page, then on the server; what it wrote until then is shown with its end. */
  async #stop() {
    const { runId } = this.#snapshot;
    if (this.#state.isOver || this.#choice !== "" || runId === null) return;
    this.#choice = "stopping";
    this.#paint();
    try {
      await request("POST", `/api/v1/runs/${runId}/cancel`);
      this.#stream?.wake();
    } catch (error) {
      this.#choice = "";
      this.#paint();
      notifyError(error);
    }
  }

  /** Leave the section that is being written and go on with the next. */
  async #skip() {
    const { runId } = this.#snapshot;
    try {
      const { skipped } = await request("POST", `/api/v1/runs/${runId}/skip`);
      notify({ message: `“${skipped}” ends here. Writing goes on with the next section.` });
    } catch (error) {
      notifyError(error);
    }
  }

  /** Offer another wording of what is selected, or of the section the caret is in. */
  #rewrite() {
    const selected = this.#editor.selection;
    const section = this.#editor.section;
    const dialog = /** @type {RewriteDialog} */ (this.querySelector("rewrite-dialog"));
    if (selected !== null) return dialog.open(this.#editor, selected, "Rewrite the selection");
    if (section !== null) return dialog.open(this.#editor, section, `Rewrite “${section.title}”`);
    notify({ message: "Select the words that should read differently first." });
  }

  async #verify() {
    await this.#editor.save();
    await /** @type {VerifyDialog} */ (this.querySelector("verify-dialog")).open(this.#editor, this.#text);
  }

  /** Lead to the next place that should be looked at again. @param {1 | -1} by */
  #goToDoubtful(by) {
    /** @type {HTMLElement[]} */
    const blocks = Array.from(this.querySelectorAll("draft-text > [data-doubtful]"));
    if (blocks.length === 0) return;
    const at = blocks.findIndex((block) => block.classList.contains("is-current"));
    const next = blocks[(Math.max(at, by < 0 ? 0 : -1) + by + blocks.length) % blocks.length];
    for (const block of blocks) block.classList.toggle("is-current", block === next);
    next.scrollIntoView({ block: "center" });
    this.#follow?.pause();
  }

  /** Go on at once, for whoever came here to do that; a reload does not do it again. */
  #resumeOnce() {
    history.replaceState(null, "", location.pathname);
    return this.#resume();
  }

  async #resume() {
    const { draftId } = this.#snapshot;
    this.#setBusy(true);
    const stream = new EventStream({
      request: { url: `/api/v1/drafts/${draftId}/resume`, body: { on_disconnect: "continue" }, idempotencyKey: newKey(), isStartOnly: true },
    }, {
      onEvent: () => {},
      // The run goes on without this reader; the page reads it from where the server's text ends.
      onOpen: () => stream.close(),
      log: this.#log,
    });
    const outcome = await stream.run();
    this.#setBusy(false);
    if (outcome.kind === "refused") return notifyError(outcome.error);
    try {
      await this.#reload();
    } catch {
      location.reload();
    }
  }

  /** Leave it at this; what there is can be edited, and gone on with as long as it was not. */
  async #keep() {
    this.#choice = "kept";
    this.#paint();
    if (this.#state.openText !== "") await this.#reload().catch((error) => this.#log("reload failed", error));
    this.#choice = "kept";
    this.#paint();
    notify({ message: "Saved as a partial draft. You can go on with it at any time." });
  }

  #discard() {
    const { draftId, kbId } = this.#snapshot;
    this.#choice = "discarded";
    this.#paint();
    this.#deletion = new DelayedDelete(`/api/v1/drafts/${draftId}`, {
      onDone: () => {
        this.#copy.forget();
        location.assign(`/kb/${kbId}/drafts`);
      },
      onFail: (error) => {
        this.#undoDiscard();
        notifyError(error);
      },
    });
  }

  #undoDiscard() {
    this.#deletion?.undo();
    this.#choice = "";
    this.#paint();
  }

  /** @param {boolean} isBusy */
  #setBusy(isBusy) {
    /** @type {NodeListOf<HTMLButtonElement>} */
    const buttons = this.querySelectorAll(".outcome button");
    for (const button of buttons) button.disabled = isBusy;
  }
}

/** @param {number} ms */
function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** @param {ParentNode} root @returns {Snapshot} */
function readSnapshot(root) {
  return JSON.parse(slot(root, "snapshot").textContent ?? "");
}

/** @param {Snapshot} snapshot @returns {Phase} */
function phaseOf({ isLive, failure, status }) {
  if (isLive) return "starting";
  if (failure) return "failed";
  return status === "partial" || status === "streaming" ? "partial" : "complete";
}
