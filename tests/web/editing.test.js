import assert from "node:assert/strict";
import { test } from "node:test";

import { diffWords } from "../../web/js/lib/diff.js";
import { EditHistory, recut } from "../../web/js/lib/edit-history.js";
import { keepLines } from "../../web/js/lib/kept-lines.js";

const side = (changes, kind) => changes.filter((change) => change.kind !== kind).map(({ text }) => text).join("");

test("a difference holds both texts whole", () => {
  let seed = 7;
  const random = (n) => (seed = (seed * 16_807) % 2_147_483_647) % n;
  const words = ["alpha", "beta", "[1]", "gamma,", "delta.\n", "ünïcode", "\n\n"];
  const text = () => Array.from({ length: random(40) }, () => words[random(words.length)]).join(" ");
  for (let i = 0; i < 300; i += 1) {
    const [before, after] = [text(), text()];
    const changes = diffWords(before, after);
    assert.equal(side(changes, "added"), before);
    assert.equal(side(changes, "removed"), after);
  }
});

test("a changed word is one removed and one added word", () => {
  assert.deepEqual(diffWords("Staff use cards [1].\n", "Staff carry cards [1].\n"), [
    { kind: "same", text: "Staff " },
    { kind: "removed", text: "use" },
    { kind: "added", text: "carry" },
    { kind: "same", text: " cards [1].\n" },
  ]);
});

test("two long texts with nothing in common are compared in bounded time", () => {
  const before = Array.from({ length: 20_000 }, (_, i) => `a${i}`).join(" ");
  const after = Array.from({ length: 20_000 }, (_, i) => `b${i}`).join(" ");
  const start = performance.now();
  assert.equal(side(diffWords(before, after), "added"), before);
  assert.ok(performance.now() - start < 5_000);
});

test("undo and redo give back each text, fifty steps of it", () => {
  const history = new EditHistory(["a\n\n", "b\n\n", "c"]);
  const texts = [history.text];
  for (let i = 0; i < 60; i += 1) {
    history.commit(history.pieces.toSpliced(i % 3, 1, `${i}\n\n`));
    texts.push(history.text);
  }
  for (let i = 59; i >= 10; i -= 1) {
    history.undo();
    assert.equal(history.text, texts[i]);
  }
  assert.equal(history.undo(), null);
  while (history.canRedo) history.redo();
  assert.equal(history.text, texts[60]);
});

test("kept steps go on after a reload, unless the text is another one", () => {
  const history = new EditHistory(["a\n\n", "b"]);
  history.commit(["a\n\n", "B", "new"]);
  const kept = JSON.parse(JSON.stringify(history.toJSON()));
  const revived = EditHistory.revive(kept, "a\n\nBnew");
  revived?.undo();
  assert.equal(revived?.text, "a\n\nb");
  assert.equal(EditHistory.revive(kept, "something else"), null);
  assert.equal(EditHistory.revive({ pieces: "?" }, "a"), null);
});

test("a text edited as a whole keeps the pieces that are as before", () => {
  const pieces = ["one\n\n", "two\n\n", "two\n\n", "three"];
  assert.deepEqual(recut(pieces, "one\n\ntwo\n\ntwo!\n\nthree"), ["one\n\n", "two\n\n", "two!\n\n", "three"]);
  for (const text of ["", "one\n\n", "two\n\nthree", "one\n\ntwo\n\ntwo\n\nthree", "x"]) {
    assert.equal(recut(pieces, text).join(""), text);
  }
});

test("lines that were not changed keep the way they were written", () => {
  assert.equal(keepLines("* __a__\n* _b_\n* c", "- **a**\n- *b*\n- c", "- **a**\n- *b!*\n- c"), "* __a__\n- *b!*\n* c");
  assert.equal(keepLines("Title\n=====", "# Title", "# Titles"), "# Titles");
  assert.equal(keepLines("as it was", "as it was", "as it is"), "as it is");
});
