/** The run that a tab is reading, kept so that a reload finds it again. */

const PREFIX = "footnote:run:";

/** @template {{runId: string}} T */
export class ActiveRun {
  #storage;
  #key;

  /** @param {Storage | null} storage  of the tab @param {string} name */
  constructor(storage, name) {
    this.#storage = storage;
    this.#key = PREFIX + name;
  }

  /** Forget every run. @param {Storage | null} storage */
  static clear(storage) {
    try {
      const keys = Array.from({ length: storage?.length ?? 0 }, (_, i) => storage?.key(i) ?? "");
      for (const key of keys) if (key.startsWith(PREFIX)) storage?.removeItem(key);
    } catch {
      // Nothing can be read there either.
    }
  }

  /** @returns {T | null} */
  find() {
    try {
      const value = JSON.parse(this.#storage?.getItem(this.#key) ?? "null");
      return typeof value?.runId === "string" ? value : null;
    } catch {
      return null;
    }
  }

  /** @param {T} run */
  keep(run) {
    try {
      this.#storage?.setItem(this.#key, JSON.stringify(run));
    } catch {
      // A reload will not find it; the run itself goes on.
    }
  }

  forget() {
    try {
      this.#storage?.removeItem(this.#key);
    } catch {
      // Nothing was kept either.
    }
  }
}
