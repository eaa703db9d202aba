/**
 * A tab's end of a stream that is read elsewhere for all tabs: to its user the same as an EventStream.
 *
 * If whoever reads does not answer (it could not be started, or the browser has ended it), the tab
 * reads for itself from where it is.
 */

import { Pause } from "./pause.js";
import { revived } from "./stream-hub.js";

/** @import {RunEvent} from "./events.js" */
/** @import {Connection, Outcome, StreamHandlers} from "./event-stream.js" */
/** @import {Timers} from "./pause.js" */
/** @import {Message, OpenStream, Placed} from "./shared-run.js" */
/** @import {Port} from "./stream-hub.js" */

const ASK_EVERY_MS = 20_000;
const ANSWER_WITHIN_MS = 8_000;

export class SharedStream {
  #runId;
  #cursor;
  #handlers;
  #port;
  #openOwn;
  /** The stream of this tab alone. @type {ReturnType<OpenStream> | null} */
  #own = null;
  #pause;
  #isAnswered = false;
  #isAlone = false;
  /** @type {Outcome | null} */
  #outcome = null;

  /**
   * @param {{runId: string, after?: number}} source
   * @param {StreamHandlers} handlers
   * @param {{port: Port, openOwn: OpenStream, timers: Timers}} means
   */
  constructor({ runId, after = 0 }, handlers, { port, openOwn, timers }) {
    this.#runId = runId;
    this.#cursor = after;
    this.#handlers = handlers;
    this.#port = port;
    this.#openOwn = openOwn;
    this.#pause = new Pause(timers);
  }

  /** The number of the last event applied. */
  get cursor() {
    return this.#own?.cursor ?? this.#cursor;
  }

  /**
   * Follow the run until it ends, the server refuses, or `close` is called.
   * @returns {Promise<Outcome>}
   */
  async run() {
    this.#port.onmessage = ({ data }) => this.#hear(data);
    this.join();
    while (this.#outcome === null && await this.#isServed()) await this.#pause.wait(ASK_EVERY_MS);
    this.leave();
    this.#port.close();
    return this.#outcome ?? this.#readAlone();
  }

  /** Come back to a page that was left. */
  join() {
    this.#port.postMessage({ kind: "join", runId: this.#runId, after: this.#cursor });
  }

  /** Leave the page, perhaps for good. */
  leave() {
    this.#port.postMessage({ kind: "leave" });
  }

  /** There is nobody who reads for all tabs. */
  standAlone() {
    this.#isAlone = true;
    this.#pause.end();
  }

  /** Leave; the run itself goes on. */
  close() {
    this.#outcome ??= { kind: "closed" };
    this.#own?.close();
    this.#pause.end();
  }

  /** Try now: the network came back or the page became visible. */
  wake() {
    if (this.#own !== null) return this.#own.wake();
    this.#port.postMessage({ kind: "wake" });
  }

  /** Whether whoever reads is there. */
  async #isServed() {
    this.#isAnswered = false;
    this.#port.postMessage({ kind: "ask" });
    if (!this.#isAlone) await this.#pause.wait(ANSWER_WITHIN_MS);
    return this.#isAnswered && !this.#isAlone;
  }

  #readAlone() {
    const source = { runId: this.#runId, after: this.#cursor };
    this.#isAlone = true;
    this.#own = this.#openOwn(source, this.#handlers);
    return this.#own.run();
  }

  /** @param {Message} message */
  #hear(message) {
    if (this.#outcome !== null || this.#isAlone) return;
    this.#isAnswered = true;
    if (message.kind === "here") this.#pause.end();
    if (message.kind === "events") for (const placed of message.events) this.#take(placed);
    if (message.kind === "connection") this.#handlers.onConnection?.(message.connection);
    if (message.kind === "over") this.#end(revived(message.outcome));
  }

  /** @param {Placed} placed */
  #take({ place, event }) {
    if (place <= this.#cursor) return;
    if (event.seq !== undefined) this.#cursor = event.seq;
    this.#handlers.log?.(event.event, event.seq === undefined ? "" : `${this.#runId}:${event.seq}`, event);
    this.#handlers.onEvent(event);
  }

  /** @param {Outcome} outcome */
  #end(outcome) {
    this.#outcome = outcome;
    this.#pause.end();
  }
}
