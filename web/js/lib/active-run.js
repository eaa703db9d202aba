/** The run that a tab is reading, kept so that a reload finds it again. */

import { KeptValue, forgetAll } from "./kept-value.js";

const PREFIX = "footnote:run:";

/** @template {{runId: string}} T */
export class ActiveRun extends KeptValue {
  /** @param {Storage | null} storage  of the tab @param {string} name */
  constructor(storage, name) {
    super(storage, PREFIX + name);
  }

  /** Forget every run. @param {Storage | null} storage */
  static clear(storage) {
    forgetAll(storage, PREFIX);
  }

  /** @returns {T | null} */
  find() {
    const value = this.load();
    return typeof value?.runId === "string" ? value : null;
  }

  /** @param {T} run @override */
  keep(run) {
    super.keep(run);
  }
}
