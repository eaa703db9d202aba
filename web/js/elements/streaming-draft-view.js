import { linkCitations } from "../dom/citation-links.js";
import { DelayedDelete } from "../dom/delayed-delete.js";
import { goToDoubtful, showCoverage } from "../dom/doubtful-places.js";
import { dialogActions } from "../dom/draft-dialogs.js";
import { DraftDisplay } from "../dom/draft-display.js";
import { DraftEditing } from "../dom/draft-editing.js";
import { findDraftParts } from "../dom/draft-parts.js";
import { DraftRun } from "../dom/draft-run.js";
import { fetchDraft, snapshotIn, stateOf } from "../dom/draft-snapshot.js";
import { DraftSupport } from "../dom/draft-support.js";
import { actionOf } from "../dom/find.js";
import { notify, notifyError } from "../dom/messages.js";
import { Painter } from "../dom/painter.js";
import { localStorageOrNull } from "../dom/storage.js";
import { debugLog } from "../lib/debug-log.js";
import { DraftState } from "../lib/draft-state.js";

/** @import {Choice} from "../dom/draft-display.js" */
/** @import {DraftParts} from "../dom/draft-parts.js" */
/** @import {Snapshot} from "../dom/draft-snapshot.js" */
/** @import {Connection} from "../lib/event-stream.js" */
/** @import {Checked, RunEvent} from "../lib/events.js" */

/**
 * A draft while it is written and afterwards: gives what its run says to the display, hands the
 * finished text to the editor, and carries out what the reader asks for. The attribute `state` is the
 * phase of the draft, or `stopping`, `kept`, `discarded`; the attribute `connection` is `fine`,
 * `lost` or `gone`.
 */
export class StreamingDraftView extends HTMLElement {
  #life = new AbortController();
  #painter = new Painter(() => this.#paint());
  #log = debugLog(localStorageOrNull(), console.debug);
  #state = new DraftState();
  /** @type {Choice} */
  #choice = "";
  /** @type {DelayedDelete | null} */
  #deletion = null;
  // Made once the page is there.
  /** @type {Snapshot} */
  #snapshot = /** @type {any} */ (null);
  /** @type {DraftParts} */
  #parts = /** @type {any} */ (null);
  /** @type {DraftDisplay} */
  #display = /** @type {any} */ (null);
  /** @type {DraftSupport} */
  #support = /** @type {any} */ (null);
  /** @type {DraftRun} */
  #run = /** @type {any} */ (null);
  /** @type {DraftEditing} */
  #editing = /** @type {any} */ (null);

  connectedCallback() {
    const { signal } = this.#life;
    const snapshot = snapshotIn(this);
    this.#parts = findDraftParts(this);
    this.#display = new DraftDisplay(this, this.#parts, signal);
    this.#support = new DraftSupport((i) => this.#parts.text.blockAt(i), (coverage) => showCoverage(this.#parts.coverage, coverage), signal);
    this.#run = this.#makeRun(signal);
    this.#editing = this.#makeEditing(signal);
    this.#listen(this.#actions(snapshot.draftId), signal);
    this.#parts.copy.watch(snapshot.draftId, () => ({ title: snapshot.title, text: this.#state.text, words: this.#state.wordCount }));
    this.#start(snapshot);
    if (location.hash === "#resume" && snapshot.status === "partial") this.#resumeOnce();
  }

  disconnectedCallback() {
    this.#life.abort();
    this.#painter.stop();
  }

  // --- what is heard ----------------------------------------------------------------------------

  /** @param {AbortSignal} signal */
  #makeRun(signal) {
    return new DraftRun({
      onEvent: (event) => this.#apply(event),
      onConnection: (connection) => this.#showConnection(connection),
      onGone: (message) => this.#display.showGone(message),
      takeAnew: () => this.#reload(),
      log: this.#log,
    }, signal);
  }

  /** @param {AbortSignal} signal */
  #makeEditing(signal) {
    return new DraftEditing(this, this.#parts, this.#support, {
      onChange: () => this.#painter.request(),
      onSaved: () => this.#takeSaved(),
      onChecks: (checks) => this.#takeChecks(checks),
      log: this.#log,
    }, signal);
  }

  /** @param {Record<string, () => unknown>} actions @param {AbortSignal} signal */
  #listen(actions, signal) {
    const { text, panel, popover } = this.#parts;
    linkCitations(this, { partsOf: () => ({ text, panel }), popover, signal, onLeave: () => this.#display.pause() });
    this.addEventListener("click", (event) => {
      const action = actionOf(event);
      if (action !== null && Object.hasOwn(actions, action.name)) actions[action.name]();
    }, { signal });
    this.addEventListener("reconnect-requested", () => this.#run.wake(), { signal });
    this.addEventListener("section-chosen", (event) => {
      if (text.goToHeading(/** @type {CustomEvent} */ (event).detail)) this.#display.pause();
    }, { signal });
  }

  /** What the reader may ask for, by the name of its button. @param {string} draftId @returns {Record<string, () => unknown>} */
  #actions(draftId) {
    return {
      "stop": () => this.#stop(),
      "skip": () => this.#skip(),
      "resume": () => this.#resume(),
      "keep": () => this.#keep(),
      "discard": () => this.#discard(),
      "undo-discard": () => this.#undoDiscard(),
      "jump": () => this.#display.jump(),
      "next-doubtful": () => this.#goToDoubtful(1),
      "previous-doubtful": () => this.#goToDoubtful(-1),
      ...dialogActions(this, this.#parts, draftId),
    };
  }

  // --- the state --------------------------------------------------------------------------------

  /** @param {Snapshot} snapshot */
  #start(snapshot) {
    const { copy } = this.#parts;
    this.#snapshot = snapshot;
    this.#state = stateOf(snapshot);
    this.#choice = "";
    this.#support.reset();
    this.#editing.reset();
    this.#showConnection({ state: "live", attempt: 0, delayMs: 0 });
    this.#paint();
    if (snapshot.isLive && snapshot.runId) this.#run.read(snapshot.runId, snapshot.after);
    else if (snapshot.status === "partial") copy.offerIfLonger();
    else copy.forget();
  }

  /** @param {RunEvent} event */
  #apply(event) {
    this.#state.apply(event);
    if (this.#state.isOver) this.#choice = "";
    if (this.#state.phase === "complete") this.#parts.copy.forget();
    else this.#parts.copy.keep();
    this.#paintSoon();
  }

  /** @param {Connection} connection */
  #showConnection(connection) {
    this.#display.showConnection(connection);
    this.#paintSoon();
  }

  /** Take the draft anew from the server, in place; what only this page has is kept beside it. */
  async #reload() {
    const { snapshot, text, panel } = await fetchDraft();
    if (snapshot.content.length < this.#state.length && !snapshot.isLive) this.#parts.copy.keep({ now: true });
    this.#parts.editor.end();
    this.#parts.text.adopt(text);
    this.#parts.panel.adopt(panel);
    this.#start(snapshot);
  }

  /** @param {Checked[]} checks */
  #takeChecks(checks) {
    this.#state.setChecks(checks);
    this.#painter.request();
  }

  /** What a person has changed is theirs, and whole. */
  #takeSaved() {
    if (this.#choice === "kept") {
      this.#choice = "";
      this.#state.phase = "complete";
    }
    this.#painter.request();
  }

  // --- what is shown ----------------------------------------------------------------------------

  #paint() {
    const [state, choice] = [this.#state, this.#choice];
    const { status: editStatus, savedWords } = this.#editing;
    this.#display.paint({ state, choice, typeName: this.#snapshot.typeName, editStatus, savedWords });
    this.#support.follow(state);
    if (choice === "kept" || (state.phase === "complete" && choice === "")) this.#editing.begin(this.#snapshot, state);
  }

  /** What comes while the run is stopping is shown with its end. */
  #paintSoon() {
    if (this.#choice !== "stopping") this.#painter.request();
  }

  /** @param {Choice} choice */
  #choose(choice) {
    this.#choice = choice;
    this.#paint();
  }

  // --- what the reader asks for -----------------------------------------------------------------

  /** Stop at once on the page, then on the server. */
  async #stop() {
    if (this.#state.isOver || this.#choice !== "" || this.#snapshot.runId === null) return;
    this.#choose("stopping");
    try {
      await this.#run.stop();
    } catch (error) {
      this.#choose("");
      notifyError(error);
    }
  }

  async #skip() {
    try {
      const skipped = await this.#run.skip();
      notify({ message: `“${skipped}” ends here. Writing goes on with the next section.` });
    } catch (error) {
      notifyError(error);
    }
  }

  /** Go on at once, for whoever came here to do that; a reload does not do it again. */
  #resumeOnce() {
    history.replaceState(null, "", location.pathname);
    return this.#resume();
  }

  async #resume() {
    this.#setBusy(true);
    const outcome = await this.#run.resume(this.#snapshot.draftId);
    this.#setBusy(false);
    if (outcome.kind === "refused") return notifyError(outcome.error);
    await this.#reload().catch(() => location.reload());
  }

  /** Leave it at this; what there is can be edited, and gone on with as long as it was not. */
  async #keep() {
    this.#choose("kept");
    if (this.#state.openText !== "") await this.#reload().catch((error) => this.#log("reload failed", error));
    this.#choose("kept");
    notify({ message: "Saved as a partial draft. You can go on with it at any time." });
  }

  #discard() {
    const { draftId, kbId } = this.#snapshot;
    this.#choose("discarded");
    this.#deletion = new DelayedDelete(`/api/v1/drafts/${draftId}`, {
      onDone: () => {
        this.#parts.copy.forget();
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
    this.#choose("");
  }

  /** @param {1 | -1} by */
  #goToDoubtful(by) {
    if (goToDoubtful(this.#parts.text, by)) this.#display.pause();
  }

  /** @param {boolean} isBusy */
  #setBusy(isBusy) {
    /** @type {NodeListOf<HTMLButtonElement>} */
    const buttons = this.querySelectorAll(".outcome button");
    for (const button of buttons) button.disabled = isBusy;
  }
}
