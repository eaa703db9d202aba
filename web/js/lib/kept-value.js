/** One value in a browser's storage. Where nothing can be stored, nothing is found: that is no error. */

export class KeptValue {
  #storage;
  #key;

  /** @param {Storage | null} storage @param {string} key */
  constructor(storage, key) {
    this.#storage = storage;
    this.#key = key;
  }

  /** @returns {any} null when nothing is kept */
  load() {
    try {
      return JSON.parse(this.#storage?.getItem(this.#key) ?? "null");
    } catch {
      return null;
    }
  }

  /** @param {unknown} value */
  keep(value) {
    try {
      this.#storage?.setItem(this.#key, JSON.stringify(value));
    } catch {
      // The page itself still has it.
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

/** Forget every value whose key begins so. @param {Storage | null} storage @param {string} prefix */
export function forgetAll(storage, prefix) {
  try {
    const keys = Array.from({ length: storage?.length ?? 0 }, (_, i) => storage?.key(i) ?? "");
    for (const key of keys) if (key.startsWith(prefix)) storage?.removeItem(key);
  } catch {
    // Nothing can be read there either.
  }
}
