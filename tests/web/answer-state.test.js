import assert from "node:assert/strict";
import { test } from "node:test";

import { AnswerState, citationsOf } from "../../web/js/lib/answer-state.js";
import { ageText, answerStatus, searchConfidence, supportText, withSources } from "../../web/js/lib/answer-text.js";

/** @param {any[]} events */
function stateAfter(events) {
  const state = new AnswerState();
  for (const event of events) state.apply(event);
  return state;
}

const source = (/** @type {string} */ name) => ({ chunk_id: name, document_id: "d", document_name: name, page: 3, section: "Fees", excerpt: "x", score: 0.7, char_start: 1, char_end: 2 });
const done = (/** @type {object} */ result) => ({ event: "completed", result });

test("the status follows an answer", () => {
  const state = new AnswerState();
  const says = (/** @type {any} */ event) => {
    state.apply(event);
    return answerStatus(state);
  };
  assert.equal(says({ event: "started" }), "Starting…");
  assert.equal(says({ event: "stage", name: "retrieving", message: "", percent: 5 }), "Searching the documents…");
  says({ event: "sources", items: [source("a"), source("b")] });
  assert.equal(says({ event: "stage", name: "generating", message: "", percent: 20 }), "Reading 2 sources…");
  assert.equal(says({ event: "stage", name: "waiting", message: "", percent: 20, delay_s: 6.2 }), "Waiting for the model, 6 s");
  assert.equal(says({ event: "delta", text: "Yes [1]." }), "Writing…");
  assert.equal(says(done({ duration_ms: 1234, cached: false })), "Answered in 1,234 ms.");
});

test("tokens that look like JSON are text", () => {
  const deltas = ["42", "null", "[DONE]"].map((text) => ({ event: "delta", text }));
  assert.equal(stateAfter(deltas).text, "42null[DONE]");
});

test("a kept answer says how old it is", () => {
  const state = stateAfter([{ event: "cache_hit", age_s: 190, answer: "a", sources: [] }, { event: "delta", text: "a" }, done({ cached: true, duration_ms: 3 })]);
  assert.equal(answerStatus(state), "Answered in 3 ms, from cache, 3 min old.");
  assert.deepEqual([null, 5, 7200, 200_000].map(ageText), ["from cache", "from cache, less than a minute old", "from cache, 2 h old", "from cache, 2 days old"]);
});

test("a stop and a failure keep the text", () => {
  const stopped = stateAfter([{ event: "delta", text: "Half" }, { event: "cancelled", reason: "stopped" }]);
  assert.equal(stopped.text, "Half");
  assert.match(answerStatus(stopped), /kept on this page/);
  const failed = stateAfter([{ event: "delta", text: "Half" }, { event: "failed", code: "LLM_ERROR", message: "It broke." }]);
  assert.deepEqual([failed.text, failed.failure?.message], ["Half", "It broke."]);
});

test("a marker is the place of its source", () => {
  assert.deepEqual(citationsOf([source("a"), source("b")]).map(({ number, document_name, confidence }) => [number, document_name, confidence]), [[1, "a", 0.7], [2, "b", 0.7]]);
});

test("support is put into words that promise nothing", () => {
  const verdicts = [
    { score: 0.9, accepted: true, issues: [] },
    { score: 0.9, accepted: true, issues: ["Weak support: “x”"] },
    { score: 0.6, accepted: true, issues: [] },
    { score: 0.2, accepted: false, issues: [] },
  ].map(supportText);
  assert.deepEqual(verdicts.map(({ level }) => level), ["high", "medium", "medium", "low"]);
  assert.equal(verdicts[0].words, "Well supported by its sources");
  for (const { words } of verdicts) assert.doesNotMatch(words, /verified|true|correct/i);
});

test("the confidence of a search has its colour and its word", () => {
  assert.deepEqual([80, 79, 50, 49, 0].map((percent) => searchConfidence(percent).level), ["high", "medium", "medium", "low", "low"]);
  assert.match(searchConfidence(86).words, /^86 % · high/);
});

test("a copied answer names its sources", () => {
  assert.equal(withSources("Yes [1].", [source("fees.pdf")]), "Yes [1].\n\nSources:\n[1] fees.pdf, page 3, Fees\n");
  assert.equal(withSources("Nothing.", []), "Nothing.");
});
