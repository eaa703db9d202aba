/**
 * Follows a run from a page: through the worker that reads for all tabs, and where there is none, by
 * the tab itself on one of the lines that all tabs share. To its user it is the same as an EventStream.
 */

import { EventStream } from "../lib/event-stream.js";
import { POLLS_ONLY, lockedLines } from "../lib/lines.js";
import { SharedStream } from "../lib/shared-stream.js";
import { startSharedWorker } from "./final-html.js";

/** @import {Outcome, StartRequest, StreamHandlers} from "../lib/event-stream.js" */
/** @import {OpenStream} from "../lib/shared-run.js" */

/** A run and how much of it is known, or the request that starts one. @typedef {{runId?: string, after?: number, request?: StartRequest}} Source */

// Its address has the version of the files: after an update, old tabs keep their old worker.
const WORKER = new URL("../stream-worker.js", import.meta.url).pathname;
const WORKER_NAME = "footnote-streams";

/** @type {OpenStream} */
const openOwn = (source, handlers) => {
  // Locks are missing where the page did not come over HTTPS.
  const lines = navigator.locks === undefined ? POLLS_ONLY : lockedLines(navigator.locks);
  return new EventStream(source, handlers, { lines });
};

export class RunStream {
  #source;
  #handlers;
  #isClosed = false;
  /** @type {SharedStream | EventStream | null} */
  #stream = null;

  /** @param {Source} source @param {StreamHandlers} handlers */
  constructor(source, handlers) {
    this.#source = source;
    this.#handlers = handlers;
  }

  /** The number of the last event applied. */
  get cursor() {
    return this.#stream?.cursor ?? this.#source.after ?? 0;
  }

  /**
   * Read until the run ends, the server refuses, or `close` is called.
   * @returns {Promise<Outcome>}
   */
  async run() {
    const { runId = "", after = 0, request } = this.#source;
    const life = new AbortController();
    this.#listen(life.signal);
    try {
      return request === undefined ? await this.#follow(runId, after) : await this.#start(request);
    } finally {
      life.abort();
    }
  }

  /**
   * Learn which run the request starts, then follow it as any other.
   * @param {StartRequest} request
   * @returns {Promise<Outcome>}
   */
  async #start(request) {
    let startedRun = "";
    const starting = new EventStream({ request: { ...request, isStartOnly: true } }, {
      ...this.#handlers,
      onEvent: () => {},
      onOpen: (run) => {
        startedRun = run.runId;
        starting.close();
        this.#handlers.onOpen?.(run);
      },
    });
    this.#stream = starting;
    const outcome = await starting.run();
    return startedRun === "" || this.#isClosed ? outcome : this.#follow(startedRun, 0);
  }

  /** @param {string} runId @param {number} after @returns {Promise<Outcome>} */
  #follow(runId, after) {
    this.#stream = share({ runId, after }, this.#handlers) ?? openOwn({ runId, after }, this.#handlers);
    return this.#stream.run();
  }

  /** Leave; the run itself goes on. */
  close() {
    this.#isClosed = true;
    this.#stream?.close();
  }

  /** Try now if the connection is lost. */
  wake() {
    this.#stream?.wake();
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    window.addEventListener("online", () => this.wake(), { signal });
    window.addEventListener("pagehide", () => {
      if (this.#stream instanceof SharedStream) this.#stream.leave();
    }, { signal });
    window.addEventListener("pageshow", ({ persisted }) => {
      if (persisted && this.#stream instanceof SharedStream) this.#stream.join();
    }, { signal });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.wake();
    }, { signal });
  }
}

/** @param {{runId: string, after: number}} source @param {StreamHandlers} handlers */
function share(source, handlers) {
  if (typeof SharedWorker === "undefined") return null;
  const worker = startSharedWorker(WORKER, WORKER_NAME);
  const timers = {
    setTimeout: (/** @type {() => void} */ work, /** @type {number} */ ms) => window.setTimeout(work, ms),
    clearTimeout: (/** @type {number} */ id) => window.clearTimeout(id),
  };
  const stream = new SharedStream(source, handlers, { port: worker.port, openOwn, timers });
  worker.addEventListener("error", () => stream.standAlone());
  return stream;
}
