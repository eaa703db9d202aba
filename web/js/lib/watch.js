/**
 * Gives up a connection that falls silent. A stream begins with a line that the server writes before
 * anything else, so the first byte is due soon; after it the server says something every 15 seconds.
 */

/** @import {Timers} from "./pause.js" */

const FIRST_BYTE_MS = 6_000;
const SILENCE_MS = 40_000;

export class Watch {
  #controller = new AbortController();
  #env;
  /** @type {any} */
  #timer;
  #isBarren = true;
  #lastByteAt;

  /** @param {Timers & {now: () => number}} env */
  constructor(env) {
    this.#env = env;
    this.#lastByteAt = env.now();
    this.#arm(FIRST_BYTE_MS);
  }

  get signal() {
    return this.#controller.signal;
  }

  /** Whether no byte has come. */
  get isBarren() {
    return this.#isBarren;
  }

  /** Whether it was given up before a byte came. */
  get wasInVain() {
    return this.#isBarren && this.signal.aborted;
  }

  get silenceMs() {
    return this.#env.now() - this.#lastByteAt;
  }

  sawBytes() {
    this.#isBarren = false;
    this.#lastByteAt = this.#env.now();
    this.#env.clearTimeout(this.#timer);
    this.#arm(SILENCE_MS);
  }

  /** Break the connection off. */
  giveUp() {
    this.#env.clearTimeout(this.#timer);
    this.#controller.abort();
  }

  /** @param {number} ms */
  #arm(ms) {
    this.#timer = this.#env.setTimeout(() => this.#controller.abort(), ms);
  }
}
