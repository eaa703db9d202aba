import assert from "node:assert/strict";
import { test } from "node:test";

import { debugLog } from "../../web/js/lib/debug-log.js";
import { LocalCopies } from "../../web/js/lib/local-copy.js";
import { TypedInput } from "../../web/js/lib/typed-input.js";

/** @param {Record<string, string>} [initial] */
function memory(initial = {}) {
  const items = new Map(Object.entries(initial));
  return /** @type {any} */ ({
    items,
    get length() { return items.size; },
    key: (/** @type {number} */ i) => [...items.keys()][i] ?? null,
    getItem: (/** @type {string} */ key) => items.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => void items.set(key, value),
    removeItem: (/** @type {string} */ key) => void items.delete(key),
  });
}

const refusing = /** @type {any} */ (new Proxy({}, { get() { throw new DOMException("denied", "SecurityError"); } }));
const full = () => Object.assign(memory(), { setItem() { throw new DOMException("full", "QuotaExceededError"); } });
const copy = (/** @type {string} */ text) => () => ({ title: "T", text, words: 1 });

test("a copy is written at most every five seconds", () => {
  let now = 0;
  const copies = new LocalCopies(memory(), () => now);
  const texts = ["a", "ab", "abc"].map((text, i) => {
    now = i * 3_000;
    copies.offer("d", copy(text));
    return copies.find("d")?.text;
  });
  assert.deepEqual(texts, ["a", "a", "abc"]);
});

test("only the newest five drafts keep a copy", () => {
  let now = 0;
  const storage = memory({ other: "stays" });
  const copies = new LocalCopies(storage, () => now);
  for (const id of ["a", "b", "c", "d", "e", "f", "g"]) {
    now += 1;
    copies.offer(id, copy(id));
  }
  assert.deepEqual([...storage.items.keys()].sort(), ["footnote:draft:c", "footnote:draft:d", "footnote:draft:e", "footnote:draft:f", "footnote:draft:g", "other"]);
});

test("removing and clearing leave no text behind", () => {
  const storage = memory({ other: "stays" });
  const copies = new LocalCopies(storage);
  copies.offer("a", copy("x"));
  copies.remove("a");
  assert.equal(copies.find("a"), null);
  copies.offer("b", copy("x"));
  copies.clear();
  assert.deepEqual([...storage.items.keys()], ["other"]);
});

test("storage that is full, denied or absent is harmless", () => {
  for (const storage of [full(), refusing, null]) {
    const copies = new LocalCopies(storage);
    copies.offer("d", copy("text"));
    assert.equal(copies.find("d"), null);
    copies.remove("d");
    copies.clear();
    const typed = new TypedInput(storage, "form");
    typed.keep({ context: "x" });
    assert.deepEqual(typed.read(), {});
    typed.forget();
  }
});

test("a copy that is corrupt or from another version is no copy", () => {
  for (const value of ["{oops", "null", "[]", '{"text": 3, "savedAt": 1}', '{"text": "a"}', '"x"']) {
    assert.equal(new LocalCopies(memory({ "footnote:draft:d": value })).find("d"), null, value);
  }
});

test("typed input survives until it is forgotten", () => {
  const storage = memory();
  new TypedInput(storage, "generate:kb").keep({ context: "Answer the city" });
  assert.deepEqual(new TypedInput(storage, "generate:kb").read(), { context: "Answer the city" });
  new TypedInput(storage, "generate:kb").forget();
  assert.deepEqual(new TypedInput(storage, "generate:kb").read(), {});
});

test("frames are logged only when asked for", () => {
  for (const [value, expected] of /** @type {[string | null, number][]} */ ([["true", 1], ["1", 1], [null, 0], ["false", 0], ["0", 0]])) {
    /** @type {unknown[]} */ const lines = [];
    debugLog(memory(value === null ? {} : { DEBUG_STREAMING: value }), (...args) => lines.push(args))("frame");
    assert.equal(lines.length, expected, String(value));
  }
  debugLog(refusing, () => assert.fail())("frame");
});
