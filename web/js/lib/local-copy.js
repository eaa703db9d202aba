/**
 * A copy of a draft's text in the browser, for the hour when the server is gone.
 *
 * Storage that is full, switched off or holds rubbish is no reason to stop: every failure here means
 * "no copy", nothing more. A copy is written at most every five seconds, and only the newest few
 * drafts keep one.
 */

const PREFIX = "footnote:draft:";
const EVERY_MS = 5_000;
const MOST_COPIES = 5;

/**
 * @typedef {object} LocalCopy
 * @property {string} title
 * @property {string} text
 * @property {number} words
 * @property {number} savedAt  milliseconds since 1970
 */

export class LocalCopies {
  /** @type {Map<string, number>} */
  #written = new Map();
  #storage;
  #now;

  /**
   * @param {Storage | null} storage
   * @param {() => number} [now]
   */
  constructor(storage, now = Date.now) {
    this.#storage = storage;
    this.#now = now;
  }

  /**
   * Write a copy unless the last one is younger than five seconds.
   * @param {string} draftId
   * @param {() => Omit<LocalCopy, "savedAt">} read  called only when a copy is due
   */
  offer(draftId, read) {
    const now = this.#now();
    const last = this.#written.get(draftId);
    if (last !== undefined && now - last < EVERY_MS) return;
    this.#written.set(draftId, now);
    this.#attempt(() => this.#write(draftId, { ...read(), savedAt: now }));
  }

  /** @param {string} draftId @returns {LocalCopy | null} */
  find(draftId) {
    const value = this.#attempt(() => JSON.parse(this.#storage?.getItem(PREFIX + draftId) ?? "null"));
    return isCopy(value) ? value : null;
  }

  /** @param {string} draftId */
  remove(draftId) {
    this.#written.delete(draftId);
    this.#attempt(() => this.#storage?.removeItem(PREFIX + draftId));
  }

  /** Remove every copy, as a sign-out on a shared computer must. */
  clear() {
    for (const key of this.#keys()) this.#attempt(() => this.#storage?.removeItem(key));
  }

  /** @param {string} draftId @param {LocalCopy} copy */
  #write(draftId, copy) {
    const key = PREFIX + draftId;
    this.#makeRoom(key);
    this.#storage?.setItem(key, JSON.stringify(copy));
  }

  /** @param {string} key  the one about to be written */
  #makeRoom(key) {
    const others = this.#keys().filter((other) => other !== key);
    const oldestFirst = others.sort((a, b) => this.#age(a) - this.#age(b));
    const surplus = Math.max(0, others.length - (MOST_COPIES - 1));
    for (const old of oldestFirst.slice(0, surplus)) this.#storage?.removeItem(old);
  }

  /** @param {string} key */
  #age(key) {
    return this.find(key.slice(PREFIX.length))?.savedAt ?? 0;
  }

  /** @returns {string[]} */
  #keys() {
    return this.#attempt(() => {
      const storage = this.#storage;
      const keys = Array.from({ length: storage?.length ?? 0 }, (_, i) => storage?.key(i) ?? "");
      return keys.filter((key) => key.startsWith(PREFIX));
    }) ?? [];
  }

  /**
   * @template T
   * @param {() => T} work
   * @returns {T | null}
   */
  #attempt(work) {
    try {
      return work();
    } catch {
      return null;
    }
  }
}

/** @param {any} value @returns {value is LocalCopy} */
function isCopy(value) {
  return typeof value?.text === "string" && typeof value.savedAt === "number";
}
