import assert from "node:assert/strict";
import { test } from "node:test";

import { DraftState } from "../../web/js/lib/draft-state.js";

/** @param {number} number @returns {any} */
const citation = (number) => ({ number, document_id: "d", document_name: "a.pdf", excerpt: "x", confidence: 0.7, version: 1, char_start: 0, char_end: 1 });

/** @param {any[]} events @param {any} [snapshot] */
function after(events, snapshot) {
  const state = new DraftState(snapshot);
  for (const event of events) state.apply(event);
  return state;
}

const PROGRESS = [
  { event: "started", draft_id: "d" },
  { event: "stage", name: "retrieving", message: "", percent: 5 },
  { event: "sources", items: [{}, {}] },
  { event: "stage", name: "generating", message: "Pricing", percent: 40, section: 2, sections: 3 },
];

test("joined deltas are the text, byte for byte", () => {
  const state = after(["## Pricing\n\n", "Cheap ", "\r\n[1]", " 👩🏽"].map((text) => ({ event: "delta", text })));
  assert.equal(state.text, "## Pricing\n\nCheap \r\n[1] 👩🏽");
});

test("a block takes its text out of the open block", () => {
  const state = after([
    { event: "delta", text: "one\n\ntwo" },
    { event: "block", index: 0, html: "<p>one</p>", end: 5 },
  ]);
  assert.equal(state.openText, "two");
  assert.equal(state.openStart, 5);
  assert.equal(state.text, "one\n\ntwo");
});

test("a block that stands before its delta takes the text when it comes", () => {
  const state = after([
    { event: "delta", text: "one" },
    { event: "block", index: 0, html: "<p>one more</p>", end: 10 },
    { event: "delta", text: " more\n\ntwo" },
  ]);
  assert.equal(state.openText, "two");
  assert.equal(state.text, "one more\n\ntwo");
});

test("a block that comes again changes nothing", () => {
  const state = after([
    { event: "delta", text: "one\n\ntwo\n\nthree" },
    { event: "block", index: 0, html: "<p>one</p>", end: 5 },
    { event: "block", index: 1, html: "<p>two</p>", end: 10 },
    { event: "block", index: 0, html: "<p>one</p>", end: 5 },
  ]);
  assert.equal(state.blocks.length, 2);
  assert.equal(state.openText, "three");
});

test("a snapshot goes on where it stops", () => {
  const snapshot = { text: "one\n\ntw", openText: "tw", blockEnds: [5], citations: [citation(1)], sections: ["A", "B"], phase: "writing", wordCount: 2 };
  const state = after([{ event: "delta", text: "o more" }, { event: "cited", citation: citation(1) }, { event: "cited", citation: citation(2) }], snapshot);
  assert.equal(state.text, "one\n\ntwo more");
  assert.equal(state.openText, "two more");
  assert.equal(state.wordCount, 3);
  assert.deepEqual(state.citations.map(({ number }) => number), [1, 2]);
});

test("sections are done, current and to do", () => {
  const state = after(PROGRESS, { sections: ["Summary", "Pricing", "End"] });
  assert.deepEqual(state.sections.map((section) => section.state), ["done", "current", "todo"]);
});

test("sections that were not announced are added by their stage", () => {
  const state = after(PROGRESS);
  assert.equal(state.sections.length, 2);
  assert.equal(state.sections[1].title, "Pricing");
});

test("percent never goes back", () => {
  const state = after([...PROGRESS, { event: "stage", name: "waiting", message: "", percent: 10, delay_s: 6 }]);
  assert.equal(state.percent, 40);
  assert.equal(state.phase, "waiting");
});

test("the end of a run keeps text and citations, however it ends", () => {
  const written = [...PROGRESS, { event: "cited", citation: citation(1) }, { event: "delta", text: "Cheap [1]." }];
  const stopped = after([...written, { event: "cancelled", reason: "stopped" }]);
  const failed = after([...written, { event: "failed", code: "LLM_ERROR", message: "The model broke off.", retryable: true }]);
  const complete = after([...written, { event: "completed", word_count: 7 }]);
  assert.deepEqual([stopped.phase, failed.phase, complete.phase], ["stopped", "failed", "complete"]);
  for (const state of [stopped, failed, complete]) {
    assert.equal(state.text, "Cheap [1].");
    assert.equal(state.citations.length, 1);
    assert.ok(state.isOver);
  }
  assert.equal(failed.failure?.message, "The model broke off.");
  assert.equal(complete.wordCount, 7);
  assert.equal(complete.percent, 100);
});

test("an event nobody knows is ignored", () => {
  assert.equal(after([/** @type {any} */ ({ event: "checked", score: 1 })]).phase, "starting");
});

test("an event at the end of a long draft costs what it costs at its start", () => {
  const state = new DraftState();
  const block = "word ".repeat(100);
  const seconds = (/** @type {number} */ from, /** @type {number} */ count) => {
    const start = performance.now();
    for (let i = from; i < from + count; i += 1) {
      for (let k = 0; k < 10; k += 1) state.apply({ event: "delta", text: block.slice(k * 50, k * 50 + 50) });
      state.apply({ event: "block", index: i, html: "", end: (i + 1) * 500 });
      assert.equal(state.openText, "");
    }
    return performance.now() - start;
  };
  const first = seconds(0, 2000);
  const last = seconds(2000, 2000);
  assert.ok(last < first * 5 + 50, `${first} ms, then ${last} ms`);
  assert.equal(state.wordCount, 400_000);
});

test("the headings of a snapshot say how far its sections are", () => {
  const text = "## One\n\nText.\n\n## Two\n\nMore";
  const sections = ["One", "Two", "Three"];
  const states = (/** @type {any} */ phase) => new DraftState({ text, sections, phase }).sections.map(({ state }) => state);
  assert.deepEqual(states("starting"), ["done", "current", "todo"]);
  assert.deepEqual(states("partial"), ["done", "todo", "todo"]);
  assert.deepEqual(states("complete"), ["done", "done", "done"]);
});
