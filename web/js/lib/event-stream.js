/**
 * Reads the events of one run and keeps reading until the run ends, whatever the network does.
 *
 * The cursor is the number of the last event that was applied. A connection that breaks, ends early
 * or falls silent is opened again behind the cursor; what arrives twice is dropped, and a hole sends
 * the reader back to fetch what is missing. An abort is never taken for the end of a run: only a
 * terminal event is.
 *
 * A stream starts from a run that exists (`runId`), or from a POST that starts one (`request`). Such a
 * POST carries an Idempotency-Key, so a lost reply is asked for again and joins the run it started.
 */

import { ApiError, errorOf } from "./api.js";
import { backoffMs } from "./backoff.js";
import { DERIVED, TERMINAL, parseEventId } from "./events.js";
import { SseDecoder } from "./sse-decoder.js";

/** @import {RunEvent} from "./events.js" */
/** @import {SseEvent} from "./sse-decoder.js" */

const SILENCE_MS = 40_000;
// The server says something at least every 15 seconds; a longer silence is a reason to look.
const SUSPICIOUS_SILENCE_MS = 20_000;
const BASE_MS = 1_000;

/**
 * @typedef {object} StartRequest
 * @property {string} url
 * @property {unknown} body
 * @property {string} idempotencyKey
 */

/**
 * @typedef {object} Connection
 * @property {"connecting" | "live" | "waiting"} state
 * @property {number} attempt  0 while all is well; else the number of the attempt under way
 * @property {number} delayMs  how long it waits before that attempt
 */

/**
 * @typedef {object} StreamHandlers
 * @property {(event: RunEvent) => void} onEvent
 * @property {(connection: Connection) => void} [onConnection]
 * @property {(run: {runId: string, draftId: string | null}) => void} [onOpen]  each time the server accepts
 * @property {(...args: unknown[]) => void} [log]
 */

/**
 * @typedef {object} Surroundings
 * @property {typeof fetch} fetch
 * @property {(work: () => void, ms: number) => any} setTimeout
 * @property {(id: any) => void} clearTimeout
 * @property {() => number} now
 * @property {() => number} random
 */

/** @typedef {{kind: "ended"} | {kind: "closed"} | {kind: "refused", error: ApiError}} Outcome */
/** @typedef {Outcome | {kind: "lost", waitMs?: number} | {kind: "again"}} AttemptOutcome */

/** @type {Surroundings} */
const BROWSER = {
  fetch: (...args) => globalThis.fetch(...args),
  setTimeout: (work, ms) => globalThis.setTimeout(work, ms),
  clearTimeout: (id) => globalThis.clearTimeout(id),
  now: () => Date.now(),
  random: () => Math.random(),
};

export class EventStream {
  #runId;
  #cursor;
  #request;
  #handlers;
  #env;
  #log;
  #attempt = 0;
  #baseMs = BASE_MS;
  #closed = false;
  #lastByteAt = 0;
  /** The hole that a second look did not fill. */
  #knownHole = -1;
  /** @type {AbortController | null} */
  #controller = null;
  /** @type {(() => void) | null} */
  #endPause = null;

  /**
   * @param {{runId?: string, after?: number, request?: StartRequest}} source
   * @param {StreamHandlers} handlers
   * @param {Partial<Surroundings>} [env]
   */
  constructor({ runId = "", after = 0, request }, handlers, env = {}) {
    this.#runId = runId;
    this.#cursor = after;
    this.#request = request;
    this.#handlers = handlers;
    this.#env = { ...BROWSER, ...env };
    this.#log = handlers.log ?? (() => {});
  }

  /** The number of the last event applied. */
  get cursor() {
    return this.#cursor;
  }

  /**
   * Read until the run ends, the server refuses, or `close` is called.
   * @returns {Promise<Outcome>}
   */
  async run() {
    while (!this.#closed) {
      const outcome = await this.#connect();
      if (this.#closed) break;
      if (outcome.kind === "again") continue;
      if (outcome.kind !== "lost") return outcome;
      await this.#pause(outcome.waitMs);
    }
    return { kind: "closed" };
  }

  /** Leave; the run itself goes on. */
  close() {
    this.#closed = true;
    this.#controller?.abort();
    this.#endPause?.();
  }

  /** Try now: the network came back or the page became visible. */
  wake() {
    if (this.#endPause !== null) this.#endPause();
    else if (this.#env.now() - this.#lastByteAt > SUSPICIOUS_SILENCE_MS) this.#controller?.abort();
  }

  /** @returns {Promise<AttemptOutcome>} */
  async #connect() {
    const controller = new AbortController();
    this.#controller = controller;
    this.#lastByteAt = this.#env.now();
    this.#tell("connecting");
    const watchdog = this.#watch(controller);
    try {
      const response = await this.#open(controller.signal);
      watchdog.sawBytes();
      return await this.#read(response, watchdog);
    } catch (error) {
      this.#log("connection lost", error);
      return { kind: "lost" };
    } finally {
      watchdog.stop();
      controller.abort();
    }
  }

  /** @param {AbortSignal} signal */
  #open(signal) {
    const { fetch } = this.#env;
    const headers = { Accept: "text/event-stream" };
    const common = { signal, credentials: /** @type {const} */ ("same-origin"), cache: /** @type {const} */ ("no-store") };
    if (this.#request === undefined || this.#runId !== "") {
      const path = `/api/v1/runs/${encodeURIComponent(this.#runId)}/events?after=${this.#cursor}`;
      return fetch(path, { ...common, headers });
    }
    const { url, body, idempotencyKey } = this.#request;
    return fetch(url, {
      ...common,
      method: "POST",
      headers: { ...headers, "Content-Type": "application/json", "Idempotency-Key": idempotencyKey },
      body: JSON.stringify(body),
    });
  }

  /**
   * @param {Response} response
   * @param {{sawBytes: () => void}} watchdog
   * @returns {Promise<AttemptOutcome>}
   */
  async #read(response, watchdog) {
    const refusal = await this.#refusal(response);
    if (refusal !== null) return refusal;
    this.#runId = response.headers.get("X-Run-Id") ?? this.#runId;
    this.#handlers.onOpen?.({ runId: this.#runId, draftId: response.headers.get("X-Draft-Id") });
    this.#tell("live");
    const decoder = new SseDecoder();
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (this.#closed) return { kind: "closed" };
      if (done) return { kind: "lost" };
      watchdog.sawBytes();
      const outcome = this.#take(decoder.feed(value));
      this.#baseMs = decoder.retryMs ?? this.#baseMs;
      if (outcome !== null) return outcome;
    }
  }

  /**
   * @param {Response} response
   * @returns {Promise<AttemptOutcome | null>}
   */
  async #refusal(response) {
    const type = response.headers.get("Content-Type") ?? "";
    if (response.ok && type.startsWith("text/event-stream")) return null;
    if (response.ok) return { kind: "refused", error: signedOutByProxy(response.status) };
    const error = await errorOf(response);
    const startsRun = this.#request !== undefined && this.#runId === "";
    const passes = error.status === 429 || error.status >= 500;
    if (startsRun || !passes) return { kind: "refused", error };
    return { kind: "lost", waitMs: error.retryAfterS === undefined ? undefined : error.retryAfterS * 1000 };
  }

  /**
   * @param {SseEvent[]} frames
   * @returns {AttemptOutcome | null} what ends this connection, if anything does
   */
  #take(frames) {
    for (const frame of frames) {
      this.#log(frame.event, frame.id, frame.data);
      const event = this.#parse(frame);
      if (event === null) continue;
      if (DERIVED.has(event.event)) {
        this.#handlers.onEvent(event);
        continue;
      }
      const outcome = this.#apply(event, parseEventId(frame.id));
      if (outcome !== null) return outcome;
    }
    return null;
  }

  /**
   * @param {RunEvent} event
   * @param {{runId: string, seq: number} | null} place
   * @returns {AttemptOutcome | null}
   */
  #apply(event, place) {
    if (place === null || place.runId !== this.#runId) {
      this.#log("skipped an event without a place in this run", event);
      return null;
    }
    if (place.seq <= this.#cursor) return null;
    if (place.seq > this.#cursor + 1 && this.#knownHole !== this.#cursor) {
      this.#log("events are missing after", this.#cursor);
      this.#knownHole = this.#cursor;
      return { kind: "again" };
    }
    this.#cursor = place.seq;
    this.#attempt = 0;
    this.#handlers.onEvent({ ...event, seq: place.seq });
    return TERMINAL.has(event.event) ? { kind: "ended" } : null;
  }

  /** @param {SseEvent} frame @returns {RunEvent | null} */
  #parse(frame) {
    try {
      const data = JSON.parse(frame.data);
      const event = frame.event === "message" ? data.event : frame.event;
      if (typeof event === "string" && typeof data === "object") return { ...data, event };
    } catch {
      // Reported below, like any other frame that is not an event.
    }
    this.#log("skipped a malformed frame", frame);
    return null;
  }

  /** @param {AbortController} controller */
  #watch(controller) {
    const { setTimeout, clearTimeout, now } = this.#env;
    const arm = () => setTimeout(() => controller.abort(), SILENCE_MS);
    let timer = arm();
    const stop = () => clearTimeout(timer);
    const sawBytes = () => {
      stop();
      this.#lastByteAt = now();
      timer = arm();
    };
    return { sawBytes, stop };
  }

  /** @param {number} [waitMs] what the server asked for */
  async #pause(waitMs) {
    this.#attempt += 1;
    const { setTimeout, clearTimeout, random } = this.#env;
    const delayMs = waitMs ?? backoffMs(this.#attempt, this.#baseMs, random());
    this.#tell("waiting", delayMs);
    let timer;
    await new Promise((resolve) => {
      this.#endPause = () => resolve(undefined);
      timer = setTimeout(this.#endPause, delayMs);
    });
    this.#endPause = null;
    clearTimeout(timer);
  }

  /** @param {Connection["state"]} state @param {number} [delayMs] */
  #tell(state, delayMs = 0) {
    this.#handlers.onConnection?.({ state, attempt: this.#attempt, delayMs });
  }
}

/** @param {number} status */
function signedOutByProxy(status) {
  const message = "The answer did not come from Footnote: a proxy may have signed you out. The text here is kept; sign in again, then reload the page.";
  return new ApiError(message, { status, code: "NOT_A_STREAM" });
}
