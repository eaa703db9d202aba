/** A wait that can be cut short. */

/** @typedef {{setTimeout: (work: () => void, ms: number) => any, clearTimeout: (id: any) => void}} Timers */

export class Pause {
  #timers;
  /** @type {(() => void) | null} */
  #end = null;

  /** @param {Timers} timers */
  constructor(timers) {
    this.#timers = timers;
  }

  get isOn() {
    return this.#end !== null;
  }

  /** @param {number} ms */
  async wait(ms) {
    const { setTimeout, clearTimeout } = this.#timers;
    let timer;
    await new Promise((resolve) => {
      this.#end = () => resolve(undefined);
      timer = setTimeout(this.#end, ms);
    });
    this.#end = null;
    clearTimeout(timer);
  }

  /** Go on at once. */
  end() {
    this.#end?.();
  }
}
