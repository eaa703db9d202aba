import assert from "node:assert/strict";
import { test } from "node:test";

import { OpenBlock, formatInline } from "../../web/js/lib/open-block.js";

/** @param {string} text */
const lines = (text) => {
  const { settled, tail } = new OpenBlock().read(text);
  return tail === null ? settled : [...settled, tail];
};
const kinds = (/** @type {string} */ text) => lines(text).map(({ kind }) => kind);

test("plain text stays as it is", () => {
  const text = "Three * four is in snake_case_names.";
  assert.deepEqual(formatInline(text), [{ text }]);
});

test("emphasis, code and markers are told apart", () => {
  assert.deepEqual(formatInline("a **b** *c* `d*` [2]."), [
    { text: "a " }, { text: "b", strong: true }, { text: " " }, { text: "c", em: true }, { text: " " },
    { text: "d*", code: true }, { text: " " }, { text: "[2]", marker: 2 }, { text: "." },
  ]);
});

test("emphasis that is not closed yet shows at once", () => {
  assert.deepEqual(formatInline("a **bold st"), [{ text: "a " }, { text: "bold st", strong: true }]);
  assert.deepEqual(formatInline("a **"), [{ text: "a " }]);
});

test("indexes, footnotes and code are not markers", () => {
  for (const text of ["a[1]", "[^1]", "[0]", "[x]", "`[1]`"]) {
    assert.ok(formatInline(text).every(({ marker }) => marker === undefined), text);
  }
});

test("links and images keep their words only", () => {
  assert.deepEqual(formatInline("see [the site](https://evil.example) ![x](https://evil.example/?d=1)"), [
    { text: "see " }, { text: "the site" }, { text: " " }, { text: "x" },
  ]);
});

test("HTML is text", () => {
  assert.deepEqual(formatInline("<img src=x onerror=alert(1)>"), [{ text: "<img src=x onerror=alert(1)>" }]);
});

test("lines take the kind their start says", () => {
  assert.deepEqual(kinds("## Title\ntext\n- item\n3. three\n> quote\n| a | b |\n|---|---|\n| c | d |\n---\n"),
    ["heading", "text", "item", "item", "quote", "row", "row", "rule"]);
});

test("a mark that may become anything shows nothing yet", () => {
  for (const text of ["#", "##", "-", "1", "1.", "|", "``"]) assert.deepEqual(lines(text), [], text);
});

test("nothing is formatted inside a fence", () => {
  const read = lines("```python\n# not a heading\n**x**\n```\nafter");
  assert.deepEqual(read.map(({ kind }) => kind), ["code", "code", "text"]);
  assert.equal(read[1].inlines[0].text, "**x**");
});

test("a finished line is settled once, however the text grows", () => {
  const text = "- one **two**\n- three [1]\n\n| a | `b|` |\n";
  const whole = new OpenBlock().read(text).settled;
  const block = new OpenBlock();
  const settled = Array.from(text, (_, i) => block.read(text.slice(0, i + 1)).settled).flat();
  assert.deepEqual(settled, whole);
});

test("a last line without end is settled in pieces", () => {
  const block = new OpenBlock();
  let text = "";
  let longest = 0;
  for (let i = 0; i < 5_000; i += 1) {
    text += "word [1] ";
    const { tail } = block.read(text);
    longest = Math.max(longest, tail?.inlines.reduce((sum, inline) => sum + inline.text.length, 0) ?? 0);
  }
  assert.ok(longest <= 2_100, String(longest));
});

test("a row that is being written is as wide as its table", () => {
  const read = lines("| a | b | c |\n|---|---|---|\n| one");
  assert.deepEqual(read.map(({ cells }) => cells?.length), [3, 3]);
});

test("an empty line stands between things, not before them", () => {
  assert.deepEqual(kinds("\n- one\n\ntext"), ["item", "gap", "text"]);
});
