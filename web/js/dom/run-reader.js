/** Reads one run at a time for an element, tells its banner how the connection is, and stops runs. */

import { request } from "../lib/api.js";
import { debugLog } from "../lib/debug-log.js";
import { newKey } from "../lib/idempotency-key.js";
import { notifyError } from "./messages.js";
import { RunStream } from "./run-stream.js";
import { localStorageOrNull } from "./storage.js";

/** @import {ApiError} from "../lib/api.js" */
/** @import {Connection} from "../lib/event-stream.js" */
/** @import {Source} from "./run-stream.js" */
/** @import {RunEvent} from "../lib/events.js" */
/** @import {ConnectionBanner} from "../elements/connection-banner.js" */

/**
 * @typedef {object} Reactions
 * @property {(event: RunEvent) => void} onEvent
 * @property {(error: ApiError) => void} onRefused  the run cannot be read any further
 * @property {(runId: string) => void} [onOpen]     each time the server accepts
 */

export class RunReader {
  #host;
  #reactions;
  #log = debugLog(localStorageOrNull(), console.debug);
  /** @type {RunStream | null} */
  #stream = null;
  #runId = "";
  /** Stop was asked for before the server said which run it is. */
  #stopsOnOpen = false;

  /**
   * @param {HTMLElement} host  holds a connection-banner
   * @param {Reactions} reactions
   * @param {AbortSignal} signal
   */
  constructor(host, reactions, signal) {
    this.#host = host;
    this.#reactions = reactions;
    host.addEventListener("reconnect-requested", () => this.#stream?.wake(), { signal });
    signal.addEventListener("abort", () => this.leave());
  }

  /** Start a run by a POST and read it. @param {string} url @param {unknown} body */
  start(url, body) {
    this.#read({ request: { url, body, idempotencyKey: newKey() } });
  }

  /** Read a run that exists, behind a cursor. @param {string} runId @param {number} [after] */
  attach(runId, after = 0) {
    this.#read({ runId, after });
  }

  /** Stop reading; the run itself goes on. */
  leave() {
    this.#stream?.close();
    this.#stream = null;
    this.#stopsOnOpen = false;
  }

  /**
   * Stop the run. The stream is left first, since a browser keeps only six connections to one host,
   * and read again for how the run ended.
   */
  async cancel() {
    if (this.#stream === null) return;
    if (this.#runId === "") {
      this.#stopsOnOpen = true;
      return;
    }
    const runId = this.#runId;
    const after = this.#stream.cursor;
    this.leave();
    try {
      await request("POST", `/api/v1/runs/${runId}/cancel`);
    } catch (error) {
      notifyError(error);
    }
    this.attach(runId, after);
  }

  /** @param {Source} source */
  async #read(source) {
    this.leave();
    this.#runId = source.runId ?? "";
    const stream = new RunStream(source, {
      onEvent: this.#reactions.onEvent,
      onOpen: ({ runId }) => this.#open(runId),
      onConnection: (connection) => this.#show(connection),
      log: this.#log,
    });
    this.#stream = stream;
    const outcome = await stream.run();
    if (outcome.kind === "refused") this.#reactions.onRefused(outcome.error);
  }

  /** @param {string} runId */
  #open(runId) {
    this.#runId = runId;
    this.#reactions.onOpen?.(runId);
    if (this.#stopsOnOpen) this.cancel();
  }

  /** @param {Connection} connection */
  #show(connection) {
    if (connection.state === "connecting" && connection.attempt > 0) return;
    this.#host.setAttribute("connection", connection.state === "live" || connection.attempt === 0 ? "fine" : "lost");
    /** @type {ConnectionBanner | null} */ (this.#host.querySelector("connection-banner"))?.show(connection);
  }
}
