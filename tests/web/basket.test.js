import assert from "node:assert/strict";
import { test } from "node:test";

import { ActiveRun } from "../../web/js/lib/active-run.js";
import { Basket } from "../../web/js/lib/basket.js";

function memory() {
  const items = new Map();
  return /** @type {any} */ ({
    get length() { return items.size; },
    key: (/** @type {number} */ i) => [...items.keys()][i] ?? null,
    getItem: (/** @type {string} */ key) => items.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => void items.set(key, value),
    removeItem: (/** @type {string} */ key) => void items.delete(key),
  });
}

const refusing = /** @type {any} */ (new Proxy({}, { get() { throw new DOMException("denied", "SecurityError"); } }));
const passage = (/** @type {string} */ id) => ({ chunk_id: id, document_name: `${id}.pdf`, page: 1, section: null, excerpt: "word ".repeat(100) });

test("each knowledge base has its own basket, and no passage is in it twice", () => {
  const basket = new Basket(memory());
  assert.equal(basket.add("kb1", "One", [passage("a"), passage("b")]), 2);
  assert.equal(basket.add("kb1", "One", [passage("b"), passage("c")]), 1);
  basket.add("kb2", "Two", [passage("x")]);
  assert.deepEqual(basket.list("kb1").map(({ chunk_id }) => chunk_id), ["a", "b", "c"]);
  assert.ok(basket.list("kb1").every(({ excerpt }) => excerpt.length === 200));
  assert.deepEqual(basket.all().map(({ kbId, name, passages }) => [kbId, name, passages.length]), [["kb1", "One", 3], ["kb2", "Two", 1]]);
});

test("a passage can be taken out, and an empty basket leaves nothing behind", () => {
  const storage = memory();
  const basket = new Basket(storage);
  basket.add("kb", "One", [passage("a")]);
  assert.ok(basket.has("kb", "a"));
  basket.remove("kb", "a");
  assert.ok(!basket.has("kb", "a"));
  assert.equal(storage.length, 0);
});

test("signing out empties every basket and nothing else", () => {
  const storage = memory();
  storage.setItem("other", "stays");
  new Basket(storage).add("kb", "One", [passage("a")]);
  Basket.clear(storage);
  assert.equal(storage.length, 1);
});

test("storage that refuses or holds rubbish is an empty basket", () => {
  for (const storage of [null, refusing]) {
    const basket = new Basket(storage);
    basket.add("kb", "One", [passage("a")]);
    assert.deepEqual([basket.list("kb"), basket.all()], [[], []]);
  }
  const storage = memory();
  for (const rubbish of ["{", "[]", '{"passages":[{"chunk_id":1}]}', '"x"']) {
    storage.setItem("footnote:basket:kb", rubbish);
    assert.deepEqual(new Basket(storage).list("kb"), []);
  }
});

test("a tab finds its run again until it is forgotten", () => {
  const storage = memory();
  const run = new ActiveRun(storage, "chat:kb");
  assert.equal(run.find(), null);
  run.keep({ runId: "r1" });
  assert.deepEqual(new ActiveRun(storage, "chat:kb").find(), { runId: "r1" });
  assert.equal(new ActiveRun(storage, "chat:other").find(), null);
  run.forget();
  assert.equal(run.find(), null);
  new ActiveRun(refusing, "x").keep({ runId: "r1" });
  assert.equal(new ActiveRun(refusing, "x").find(), null);
});
