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
 *
 * Where a stream cannot be, the run is polled: the same events, behind the same cursor, a second apart.
 * That is so while no line is free (`lines.js`), and behind a proxy that holds answers back: there not
 * even the first line of a stream arrives within seconds, but a poll does. If that fails too, it is the
 * network, and the next attempt is a stream again. A stream that ends and brought no event is followed
 * by a poll as well, which can say that there will be none.
 */

import { backoffMs } from "./backoff.js";
import { DERIVED, TERMINAL, parseEventId } from "./events.js";
import { UNLIMITED } from "./lines.js";
import { Pause } from "./pause.js";
import { PAGE, STREAM, alreadyOver, askForEvents, askToStart, refusalOf } from "./run-requests.js";
import { SseDecoder } from "./sse-decoder.js";
import { tellVersion } from "./versions.js";
import { Watch } from "./watch.js";

/** @import {ApiError} from "./api.js" */
/** @import {RunEvent} from "./events.js" */
/** @import {Lines} from "./lines.js" */
/** @import {SseEvent} from "./sse-decoder.js" */

// The server says something at least every 15 seconds; a longer silence is a reason to look.
const SUSPICIOUS_SILENCE_MS = 20_000;
const POLL_MS = 1_000;
const BASE_MS = 1_000;

/** @typedef {import("./run-requests.js").StartRequest} StartRequest */

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
 * @property {Lines} lines
 */

/** @typedef {{kind: "ended"} | {kind: "closed"} | {kind: "refused", error: ApiError}} Outcome */
/** @typedef {Outcome | {kind: "lost", waitMs?: number} | {kind: "again"} | {kind: "polled"} | {kind: "silent"}} AttemptOutcome */

/** @type {Surroundings} */
const BROWSER = {
  fetch: (...args) => globalThis.fetch(...args),
  setTimeout: (work, ms) => globalThis.setTimeout(work, ms),
  clearTimeout: (id) => globalThis.clearTimeout(id),
  now: () => Date.now(),
  random: () => Math.random(),
  lines: UNLIMITED,
};

export class EventStream {
  #runId;
  #cursor;
  #request;
  #handlers;
  #env;
  #log;
  #pause;
  #attempt = 0;
  #baseMs = BASE_MS;
  #closed = false;
  /** A stream brought nothing: a proxy may hold it back, or the run be over. */
  #isPolling = false;
  /** The hole that a second look did not fill. */
  #knownHole = -1;
  /** Woken up since the last poll was asked for, which may have been answered before. */
  #isWoken = false;
  /** @type {Watch | null} */
  #watch = null;
  /** What was told last. */
  #told = "";

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
    this.#pause = new Pause(this.#env);
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
      if (outcome.kind === "again" || outcome.kind === "silent") continue;
      if (outcome.kind === "polled") await this.#untilNextPoll();
      else if (outcome.kind === "lost") await this.#backOff(outcome.waitMs);
      else return outcome;
    }
    return { kind: "closed" };
  }

  /** Leave; the run itself goes on. */
  close() {
    this.#closed = true;
    this.#watch?.giveUp();
    this.#pause.end();
  }

  /** Try now: the network came back or the page became visible. */
  wake() {
    this.#isWoken = true;
    if (this.#pause.isOn) this.#pause.end();
    else if ((this.#watch?.silenceMs ?? 0) > SUSPICIOUS_SILENCE_MS) this.#watch?.giveUp();
  }

  /** @returns {Promise<AttemptOutcome>} */
  async #connect() {
    const giveBack = this.#isPolling ? null : await this.#env.lines.take();
    if (giveBack === null) return this.#pollInTurn();
    try {
      const outcome = await this.#attemptTo((watch) => this.#stream(watch));
      this.#isPolling = outcome.kind === "silent";
      return outcome;
    } finally {
      giveBack();
    }
  }

  /** @returns {Promise<AttemptOutcome>} */
  async #pollInTurn() {
    const outcome = await this.#env.lines.poll(() => this.#attemptTo((watch) => this.#poll(watch)));
    if (outcome.kind !== "silent" && outcome.kind !== "lost") return outcome;
    this.#isPolling = false;
    return { ...outcome, kind: "lost" };
  }

  /**
   * @param {(watch: Watch) => Promise<AttemptOutcome>} read
   * @returns {Promise<AttemptOutcome>}
   */
  async #attemptTo(read) {
    if (this.#closed) return { kind: "closed" };
    const watch = new Watch(this.#env);
    this.#watch = watch;
    try {
      return await read(watch);
    } catch (error) {
      this.#log("connection lost", error);
      return { kind: watch.wasInVain ? "silent" : "lost" };
    } finally {
      watch.giveUp();
    }
  }

  /** @param {Watch} watch @returns {Promise<AttemptOutcome>} */
  async #stream(watch) {
    this.#tell("connecting");
    if (this.#isStarting) return this.#start(watch);
    const response = await askForEvents({ ...this.#question(watch), accept: STREAM });
    return this.#read(response, watch);
  }

  /** @param {Watch} watch @returns {Promise<AttemptOutcome>} */
  async #poll(watch) {
    if (this.#isStarting) return this.#start(watch);
    this.#isWoken = false;
    const response = await askForEvents({ ...this.#question(watch), accept: PAGE });
    const refusal = await this.#refusal(response, PAGE);
    if (refusal !== null) return refusal;
    watch.sawBytes();
    const { events, done } = await response.json();
    if (this.#closed) return { kind: "closed" };
    this.#attempt = 0;
    this.#tell("live");
    for (const event of events) {
      const outcome = this.#accept(event, { runId: this.#runId, seq: event.seq });
      if (outcome !== null) return outcome;
    }
    return done ? { kind: "refused", error: alreadyOver() } : { kind: "polled" };
  }

  /** @param {Watch} watch @returns {Promise<AttemptOutcome>} */
  async #start(watch) {
    const request = /** @type {StartRequest} */ (this.#request);
    const prefersIds = request.isStartOnly === true || this.#isPolling;
    const response = await askToStart({ ...this.#question(watch), request, prefersIds });
    if (response.status !== 202) return this.#read(response, watch);
    const { run_id: runId, draft_id: draftId } = await response.json();
    this.#runId = runId;
    this.#handlers.onOpen?.({ runId, draftId });
    return { kind: "again" };
  }

  /**
   * @param {Response} response
   * @param {Watch} watch
   * @returns {Promise<AttemptOutcome>}
   */
  async #read(response, watch) {
    const refusal = await this.#refusal(response, STREAM);
    if (refusal !== null) return refusal;
    this.#runId = response.headers.get("X-Run-Id") ?? this.#runId;
    this.#handlers.onOpen?.({ runId: this.#runId, draftId: response.headers.get("X-Draft-Id") });
    const decoder = new SseDecoder();
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    const before = this.#cursor;
    for (;;) {
      const { done, value } = await reader.read();
      if (this.#closed) return { kind: "closed" };
      if (done) return { kind: this.#cursor === before ? "silent" : "lost" };
      if (watch.isBarren) this.#tell("live");
      watch.sawBytes();
      const outcome = this.#take(decoder.feed(value));
      this.#baseMs = decoder.retryMs ?? this.#baseMs;
      if (outcome !== null) return outcome;
    }
  }

  get #isStarting() {
    return this.#request !== undefined && this.#runId === "";
  }

  /** @param {Watch} watch */
  #question({ signal }) {
    return { fetch: this.#env.fetch, signal, runId: this.#runId, after: this.#cursor };
  }

  /**
   * @param {Response} response
   * @param {string} accept
   * @returns {Promise<AttemptOutcome | null>}
   */
  async #refusal(response, accept) {
    tellVersion(response);
    const error = await refusalOf(response, accept);
    if (error === null) return null;
    const passes = error.status === 429 || error.status >= 500;
    if (this.#isStarting || !passes) return { kind: "refused", error };
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
      const outcome = event && this.#accept(event, parseEventId(frame.id));
      if (outcome !== null) return outcome;
    }
    return null;
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

  /**
   * @param {RunEvent} event
   * @param {{runId: string, seq: number} | null} place
   * @returns {AttemptOutcome | null}
   */
  #accept(event, place) {
    if (!DERIVED.has(event.event)) return this.#apply(event, place);
    this.#handlers.onEvent(event);
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

  async #untilNextPoll() {
    if (!this.#isWoken) await this.#pause.wait(POLL_MS);
  }

  /** @param {number} [waitMs] what the server asked for */
  async #backOff(waitMs) {
    this.#attempt += 1;
    const delayMs = waitMs ?? backoffMs(this.#attempt, this.#baseMs, this.#env.random());
    this.#tell("waiting", delayMs);
    await this.#pause.wait(delayMs);
  }

  /** @param {Connection["state"]} state @param {number} [delayMs] */
  #tell(state, delayMs = 0) {
    const said = `${state} ${this.#attempt}`;
    if (said === this.#told) return;
    this.#told = said;
    this.#handlers.onConnection?.({ state, attempt: this.#attempt, delayMs });
  }
}
