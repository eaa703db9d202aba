/**
 * Passages picked for a draft that is yet to be written, kept in this browser for each knowledge base.
 * Storage that is full or switched off means an empty basket, nothing more.
 */

const PREFIX = "footnote:basket:";
const MOST_PASSAGES = 100;
const EXCERPT_CHARACTERS = 200;

/**
 * @typedef {object} Passage
 * @property {string} chunk_id
 * @property {string} document_name
 * @property {number | null} [page]
 * @property {string | null} [section]
 * @property {string} excerpt
 */

export class Basket {
  #storage;

  /** @param {Storage | null} storage */
  constructor(storage) {
    this.#storage = storage;
  }

  /** Forget every basket. @param {Storage | null} storage */
  static clear(storage) {
    const basket = new Basket(storage);
    for (const { kbId } of basket.all()) basket.set(kbId, "", []);
  }

  /** @param {string} kbId @returns {Passage[]} */
  list(kbId) {
    return this.#read(PREFIX + kbId).passages;
  }

  /** Those that hold something. @returns {{kbId: string, name: string, passages: Passage[]}[]} */
  all() {
    const keys = this.#attempt(() => Array.from({ length: this.#storage?.length ?? 0 }, (_, i) => this.#storage?.key(i) ?? "")) ?? [];
    return keys.filter((key) => key.startsWith(PREFIX)).map((key) => ({ kbId: key.slice(PREFIX.length), ...this.#read(key) }));
  }

  /** @param {string} kbId @param {string} chunkId */
  has(kbId, chunkId) {
    return this.list(kbId).some(({ chunk_id: id }) => id === chunkId);
  }

  /**
   * @param {string} kbId
   * @param {string} name  of the knowledge base
   * @param {Passage[]} passages
   * @returns {number} how many were not there before
   */
  add(kbId, name, passages) {
    const kept = this.list(kbId);
    const known = new Set(kept.map(({ chunk_id: id }) => id));
    const fresh = passages.filter(({ chunk_id: id }) => !known.has(id)).slice(0, MOST_PASSAGES - kept.length);
    this.set(kbId, name, [...kept, ...fresh.map(shortened)]);
    return fresh.length;
  }

  /** @param {string} kbId @param {string} chunkId */
  remove(kbId, chunkId) {
    const { name, passages } = this.#read(PREFIX + kbId);
    this.set(kbId, name, passages.filter(({ chunk_id: id }) => id !== chunkId));
  }

  /** @param {string} kbId @param {string} name @param {Passage[]} passages */
  set(kbId, name, passages) {
    this.#attempt(() => {
      if (passages.length === 0) this.#storage?.removeItem(PREFIX + kbId);
      else this.#storage?.setItem(PREFIX + kbId, JSON.stringify({ name, passages }));
    });
  }

  /** @param {string} key @returns {{name: string, passages: Passage[]}} */
  #read(key) {
    const value = this.#attempt(() => JSON.parse(this.#storage?.getItem(key) ?? "null"));
    const passages = Array.isArray(value?.passages) ? value.passages.filter(isPassage) : [];
    return { name: typeof value?.name === "string" ? value.name : "", passages };
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

/** @param {Passage} passage @returns {Passage} */
function shortened({ chunk_id, document_name, page, section, excerpt }) {
  return { chunk_id, document_name, page, section, excerpt: excerpt.slice(0, EXCERPT_CHARACTERS) };
}

/** @param {any} value @returns {value is Passage} */
function isPassage(value) {
  return typeof value?.chunk_id === "string" && typeof value.document_name === "string" && typeof value.excerpt === "string";
}
