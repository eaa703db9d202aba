import assert from "node:assert/strict";
import { test } from "node:test";

import { highlight } from "../../web/js/lib/highlight.js";
import { Latest } from "../../web/js/lib/latest.js";
import { quickFinds } from "../../web/js/lib/quick-search.js";

/** @param {string} text @param {string} question */
const marked = (text, question) => highlight(text, question).filter(({ isMatch }) => isMatch).map(({ text: word }) => word);

test("the words of the question are found, common ones are not", () => {
  assert.deepEqual(marked("The fee for MFA tokens, the Fees of 2024.", "What is the fee for an MFA token?"), ["fee", "MFA", "tokens", "Fees"]);
  assert.deepEqual(marked("the of and", "the of and"), []);
  assert.deepEqual(marked("Das Konto läuft über OAuth", "konto ÜBER"), ["Konto", "über"]);
});

test("no text is lost or made up by marking", () => {
  for (const text of ["", "a", "<b>fee</b> & fee\n\nfee", "費用は年48000ドルです", "e\u0301te\u0301 👩‍👩‍👧 fee"]) {
    assert.equal(highlight(text, "fee 費用").map(({ text: piece }) => piece).join(""), text);
  }
});

test("only the latest answer arrives, whatever the order", async () => {
  /** @type {Map<string, (answer: string) => void>} */
  const waiting = new Map();
  /** @type {(string | null)[]} */
  const shown = [];
  const ask = (/** @type {string} */ question) => new Promise((/** @type {(answer: string) => void} */ resolve) => waiting.set(question, resolve));
  const latest = new Latest(ask, (answer) => shown.push(answer), 0);
  const turn = () => new Promise((resolve) => setTimeout(resolve, 2));
  latest.ask("a");
  await turn();
  latest.ask("ab");
  latest.ask("abc");
  await turn();
  assert.deepEqual([...waiting.keys()], ["a", "abc"]);
  waiting.get("abc")?.("ABC");
  waiting.get("a")?.("A");
  await turn();
  assert.deepEqual(shown, ["ABC"]);
  latest.ask("b");
  await turn();
  latest.stop();
  waiting.get("b")?.("B");
  await turn();
  assert.deepEqual(shown, ["ABC"]);
});

test("everything found has its place, and searching goes on from there", () => {
  const finds = quickFinds("a&b", {
    results: [{ document_name: "fees.pdf", document_id: "d1", kb_id: "k1", page_number: 4, chunk_text: "The fee\nis due.", char_start: 10, char_end: 20 }],
    kbs: [{ id: "k1", name: "Fees" }],
    drafts: [{ id: "dr", kb_id: "k1", title: "Answer" }],
    conversations: [{ id: "s/1", kb_id: "k1", title: "Asked" }],
  });
  assert.deepEqual(finds.map(({ href }) => href), [
    "/kb/k1", "/kb/k1/documents/d1?highlight=10-20", "/kb/k1/drafts/dr", "/kb/k1/chat?session=s%2F1", "/search?q=a%26b",
  ]);
  assert.equal(finds[1].detail, "page 4 · The fee is due.");
  assert.equal(quickFinds("x", {}).length, 1);
});
