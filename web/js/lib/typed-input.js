/** What a person has typed and not sent yet, kept over reloads and failures until it was used. */

import { KeptValue, forgetAll } from "./kept-value.js";

const PREFIX = "footnote:typed:";

export class TypedInput extends KeptValue {
  /** @param {Storage | null} storage @param {string} name */
  constructor(storage, name) {
    super(storage, PREFIX + name);
  }

  /** Forget everything typed anywhere. @param {Storage | null} storage */
  static clear(storage) {
    forgetAll(storage, PREFIX);
  }

  /** @returns {Record<string, unknown>} */
  read() {
    const value = this.load();
    return typeof value === "object" && value !== null ? value : {};
  }
}
