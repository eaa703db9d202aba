/**
 * One run, read once for any number of readers.
 *
 * What the run said is kept, so that a reader who comes later gets everything after its own cursor.
 * One whose cursor lies before what is kept makes the reading start there anew; the others then see
 * old events again, which are not passed on to them. A closed block has no number of its own: its
 * place is that of the event it stands before.
 */

import { DERIVED } from "./events.js";

/** @import {RunEvent} from "./events.js" */
/** @import {Connection, EventStream, Outcome, StreamHandlers} from "./event-stream.js" */

const MOST_KEPT = 20_000;

/**
 * @typedef {{place: number, event: RunEvent}} Placed
 * @typedef {{kind: "events", events: Placed[]} | {kind: "connection", connection: Connection} | {kind: "over", outcome: object} | {kind: "here"}} Message
 * @typedef {(message: Message) => void} Tell
 * @typedef {(source: {runId: string, after: number}, handlers: StreamHandlers) => EventStream} OpenStream
 */

export class SharedRun {
  #runId;
  #openStream;
  #onOver;
  /** The cursor of each reader. @type {Map<Tell, number>} */
  #readers = new Map();
  /** @type {Placed[]} */
  #kept = [];
  /** Everything after this place is kept. */
  #keptAfter = 0;
  /** How much of what is kept was passed on. */
  #passedOn = 0;
  /** @type {EventStream | null} */
  #stream = null;
  /** @type {Connection | null} */
  #connection = null;

  /**
   * @param {string} runId
   * @param {OpenStream} openStream
   * @param {() => void} onOver  called once there is nothing more to share
   */
  constructor(runId, openStream, onOver) {
    this.#runId = runId;
    this.#openStream = openStream;
    this.#onOver = onOver;
  }

  /** @param {Tell} tell @param {number} after */
  join(tell, after) {
    this.#passOn();
    if (this.#stream === null || after < this.#keptAfter) this.#read(after);
    this.#readers.set(tell, after);
    this.#send(tell, this.#kept);
    if (this.#connection !== null) tell({ kind: "connection", connection: this.#connection });
  }

  /** @param {Tell} tell */
  leave(tell) {
    this.#readers.delete(tell);
    if (this.#readers.size > 0) return;
    this.#stream?.close();
    this.#onOver();
  }

  /** Try now if the connection is lost. */
  wake() {
    this.#stream?.wake();
  }

  /** @param {number} after */
  async #read(after) {
    this.#stream?.close();
    this.#kept = [];
    this.#passedOn = 0;
    this.#keptAfter = after;
    const stream = this.#openStream({ runId: this.#runId, after }, {
      onEvent: (event) => this.#keep(event, stream.cursor),
      onConnection: (connection) => this.#tellConnection(connection),
    });
    this.#stream = stream;
    const outcome = await stream.run();
    if (stream === this.#stream && outcome.kind !== "closed") this.#end(outcome);
  }

  /** @param {RunEvent} event @param {number} cursor */
  #keep(event, cursor) {
    if (this.#kept.length === this.#passedOn) queueMicrotask(() => this.#passOn());
    this.#kept.push({ place: DERIVED.has(event.event) ? cursor + 1 : cursor, event });
  }

  /** What came with one piece of the network goes out as one message. */
  #passOn() {
    const fresh = this.#kept.slice(this.#passedOn);
    this.#passedOn = this.#kept.length;
    for (const tell of this.#readers.keys()) this.#send(tell, fresh);
    if (this.#kept.length > MOST_KEPT) this.#forgetHalf();
  }

  /** @param {Tell} tell @param {Placed[]} placed */
  #send(tell, placed) {
    const cursor = this.#readers.get(tell) ?? 0;
    const events = placed.filter(({ place }) => place > cursor);
    if (events.length === 0) return;
    this.#readers.set(tell, Math.max(cursor, ...events.slice(-1).map(cursorAfter)));
    tell({ kind: "events", events });
  }

  #forgetHalf() {
    const forgotten = this.#kept.splice(0, MOST_KEPT / 2);
    this.#passedOn = this.#kept.length;
    this.#keptAfter = /** @type {Placed} */ (forgotten.at(-1)).place;
  }

  /** @param {Connection} connection */
  #tellConnection(connection) {
    this.#connection = connection;
    for (const tell of this.#readers.keys()) tell({ kind: "connection", connection });
  }

  /** @param {Outcome} outcome */
  #end(outcome) {
    this.#passOn();
    this.#onOver();
    for (const tell of this.#readers.keys()) tell({ kind: "over", outcome: plain(outcome) });
  }
}

/** @param {Placed} placed */
function cursorAfter({ place, event }) {
  return DERIVED.has(event.event) ? place - 1 : place;
}

/** An error as data, with all its fields: a message between threads keeps only its sentence. @param {Outcome} outcome */
function plain(outcome) {
  if (outcome.kind !== "refused") return outcome;
  return { kind: "refused", error: { ...outcome.error, message: outcome.error.message } };
}
