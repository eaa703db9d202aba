/** What a person has typed and not sent yet, kept over reloads and failures until it was used. */

const PREFIX = "footnote:typed:";

export class TypedInput {
  #storage;
  #key;

  /** @param {Storage | null} storage @param {string} name */
  constructor(storage, name) {
    this.#storage = storage;
    this.#key = PREFIX + name;
  }

  /** Forget everything typed anywhere. @param {Storage | null} storage */
  static clear(storage) {
    try {
      const keys = Array.from({ length: storage?.length ?? 0 }, (_, i) => storage?.key(i) ?? "");
      for (const key of keys) if (key.startsWith(PREFIX)) storage?.removeItem(key);
    } catch {
      // Nothing can be read there either.
    }
  }

  /** @returns {Record<string, unknown>} */
  read() {
    try {
      const value = JSON.parse(this.#storage?.getItem(this.#key) ?? "{}");
      return typeof value === "object" && value !== null ? value : {};
    } catch {
      return {};
    }
  }

  /** @param {Record<string, unknown>} values */
  keep(values) {
    try {
      this.#storage?.setItem(this.#key, JSON.stringify(values));
    } catch {
      // The form itself still holds the text.
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
