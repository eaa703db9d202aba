import assert from "node:assert/strict";
import { test } from "node:test";

import { WordCounter } from "../../web/js/lib/words.js";

/** @param {string[]} pieces */
function count(...pieces) {
  const counter = new WordCounter();
  for (const piece of pieces) counter.add(piece);
  return counter.count;
}

test("words are counted, markers and signs are not", () => {
  assert.equal(count("## Sign-in uses OAuth 2.0 [1], see below [12].\n\n- yes | no\n"), 8);
  assert.equal(count("[1] [2][3] — * #"), 0);
  assert.equal(count("हिन्दी में लिखा"), 3);
  assert.equal(count("漢字とkana x"), 5);
});

test("any cut gives the same count", () => {
  const text = "Sign-in [1] uses\n\nOAuth 2.0[2]. Ünïcödé  👩🏽 x [13]";
  const expected = count(text);
  for (let i = 0; i <= text.length; i += 1) assert.equal(count(text.slice(0, i), text.slice(i)), expected, String(i));
  assert.equal(count(...text), expected);
});

test("a word is counted while it is being written", () => {
  const counter = new WordCounter();
  counter.add("hel");
  assert.equal(counter.count, 1);
  counter.add("lo w");
  assert.equal(counter.count, 2);
});

test("a stretch of a million letters is one word", () => {
  const counter = new WordCounter();
  for (let i = 0; i < 10_000; i += 1) counter.add("x".repeat(100));
  assert.equal(counter.count, 1);
});
