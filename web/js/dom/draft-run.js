/**
 * The run that writes a draft, for the draft's page: read it, stop it, skip a section, start another.
 * Where the server refuses to be read any further, the reading waits for a sign-in or the draft is
 * taken anew.
 */

import { request } from "../lib/api.js";
import { backoffMs } from "../lib/backoff.js";
import { EventStream } from "../lib/event-stream.js";
import { newKey } from "../lib/idempotency-key.js";
import { isSignedOut } from "../lib/run-requests.js";
import { onceBack } from "./coming-back.js";
import { RunStream } from "./run-stream.js";

/** @import {ApiError} from "../lib/api.js" */
/** @import {Connection, Outcome} from "../lib/event-stream.js" */
/** @import {RunEvent} from "../lib/events.js" */

/**
 * @typedef {object} Reactions
 * @property {(event: RunEvent) => void} onEvent
 * @property {(connection: Connection) => void} onConnection
 * @property {(message: string) => void} onGone  reading cannot go on, or not before a sign-in
 * @property {() => Promise<void>} takeAnew      take the draft from the server, and read on if it is live
 * @property {(...args: unknown[]) => void} log
 */

export class DraftRun {
  #reactions;
  #signal;
  #runId = "";
  /** @type {RunStream | null} */
  #stream = null;
  /** How often the draft was taken anew since an event last came. */
  #recoveries = 0;

  /** @param {Reactions} reactions @param {AbortSignal} signal  ends the reading, not the run */
  constructor(reactions, signal) {
    this.#reactions = reactions;
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#stream?.close());
  }

  /** @param {string} runId @param {number} after  the number of the last event that is known */
  async read(runId, after) {
    const { onConnection, log } = this.#reactions;
    this.#stream?.close();
    const stream = new RunStream({ runId, after }, { onEvent: (event) => this.#pass(event), onConnection, log });
    this.#runId = runId;
    this.#stream = stream;
    const outcome = await stream.run();
    if (outcome.kind !== "refused") return;
    if (isSignedOut(outcome.error)) this.#awaitSignIn(outcome.error, () => this.read(runId, stream.cursor));
    else await this.#recover(outcome.error);
  }

  /** Try now if the connection is lost. */
  wake() {
    this.#stream?.wake();
  }

  /** What it wrote until then comes with its end. */
  async stop() {
    await request("POST", `/api/v1/runs/${this.#runId}/cancel`);
    this.wake();
  }

  /** Leave the section that is being written. @returns {Promise<string>} its title */
  async skip() {
    return (await request("POST", `/api/v1/runs/${this.#runId}/skip`)).skipped;
  }

  /**
   * Start a run that goes on with a draft, whoever reads it; the page then reads it from where the
   * server's text ends.
   * @param {string} draftId
   * @returns {Promise<Outcome>}
   */
  resume(draftId) {
    const stream = new EventStream({
      request: { url: `/api/v1/drafts/${draftId}/resume`, body: { on_disconnect: "continue" }, idempotencyKey: newKey(), isStartOnly: true },
    }, {
      onEvent: () => {},
      onOpen: () => stream.close(),
      log: this.#reactions.log,
    });
    return stream.run();
  }

  /** @param {RunEvent} event */
  #pass(event) {
    this.#recoveries = 0;
    this.#reactions.onEvent(event);
  }

  /** @param {ApiError} error */
  async #recover(error) {
    const { takeAnew, onGone, log } = this.#reactions;
    log("reading was refused", error);
    if (this.#recoveries > 0) await sleep(backoffMs(this.#recoveries, 1_000, Math.random()));
    this.#recoveries += 1;
    try {
      await takeAnew();
    } catch (failure) {
      onGone(`${error.message} The text here is kept until you close this page.`);
      log("reload failed", failure);
    }
  }

  /** @param {ApiError} error @param {() => void} goOn */
  #awaitSignIn(error, goOn) {
    this.#reactions.log("signed out", error);
    this.#reactions.onGone(error.message);
    onceBack(goOn, this.#signal);
  }
}

/** @param {number} ms */
function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
