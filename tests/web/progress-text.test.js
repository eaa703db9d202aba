import assert from "node:assert/strict";
import { test } from "node:test";

import { DraftState } from "../../web/js/lib/draft-state.js";
import { connectionText, confidenceText, progressText } from "../../web/js/lib/progress-text.js";
import { lastSentence, quoteFor, splitQuote } from "../../web/js/lib/quote.js";

test("the status follows the events", () => {
  const state = new DraftState();
  const says = (/** @type {any} */ event) => {
    state.apply(event);
    return progressText(state, { typeName: "RFP Response" });
  };
  assert.equal(says({ event: "started" }), "Starting…");
  assert.equal(says({ event: "stage", name: "retrieving", message: "", percent: 5 }), "Searching the documents…");
  assert.equal(says({ event: "sources", items: Array(12).fill({}) }), "Found 12 sources");
  assert.equal(says({ event: "stage", name: "generating", message: "", percent: 10 }), "Generating RFP Response from 12 sources…");
  assert.equal(says({ event: "stage", name: "generating", message: "Technical Approach", percent: 30, section: 2, sections: 4 }), "Writing: Technical Approach (2 of 4)");
  assert.equal(says({ event: "stage", name: "waiting", message: "", percent: 30, delay_s: 6 }), "Waiting for the model, 6 s");
  assert.equal(says({ event: "delta", text: "Two words." }), "Writing: Technical Approach (2 of 4)");
  assert.equal(says({ event: "completed", word_count: 812 }), "Complete: 812 words, 0 citations");
});

test("a stop or a failure says what is kept", () => {
  const state = new DraftState({ text: "one two" });
  state.apply({ event: "cancelled", reason: "stopped" });
  assert.equal(progressText(state, { typeName: "" }), "Stopped. 2 words are kept.");
  const empty = new DraftState();
  empty.apply({ event: "failed", code: "LLM_ERROR", message: "" });
  assert.equal(progressText(empty, { typeName: "" }), "Failed. Nothing was written yet.");
});

test("the banner counts attempts and then says the draft is saved", () => {
  assert.equal(connectionText({ state: "live", attempt: 0, delayMs: 0 }), "");
  assert.match(connectionText({ state: "waiting", attempt: 2, delayMs: 2100 }), /attempt 2 in 2 s/);
  assert.match(connectionText({ state: "waiting", attempt: 4, delayMs: 8000 }), /saved on the server as a partial draft/);
});

test("a score is a number and a word", () => {
  assert.deepEqual([0.91, 0.5, 0.2].map((score) => confidenceText(score).level), ["high", "medium", "low"]);
});

test("a quote is cut by code points", () => {
  assert.deepEqual(splitQuote("👩 uses OAuth now", 7, 12), { lead: "", before: "👩 uses ", quote: "OAuth", after: " now" });
  assert.deepEqual(splitQuote("plain", 0, 0), { lead: "", before: "plain", quote: "", after: "" });
});

test("what stands far before a quote is its lead, cut at a space", () => {
  const before = "word ".repeat(40);
  const { lead, before: near, quote } = splitQuote(`${before}quote`, before.length, before.length + 5);
  assert.equal(lead + near, before);
  assert.equal(quote, "quote");
  assert.ok(lead.endsWith(" ") && near.length >= 60 && near.length < 70);
});

test("the sentence that supports a statement is found in its passage", () => {
  const excerpt = "👩 wrote this. Every account signs in through OAuth 2.0. Logs are kept.";
  const { start, end } = quoteFor(excerpt, "Every account signs in through OAuth 2.0");
  assert.equal(splitQuote(excerpt, start, end).quote, "Every account signs in through OAuth 2.0.");
  assert.deepEqual(quoteFor(excerpt, "The price is 48,000 dollars a year"), { start: 0, end: 0 });
  assert.deepEqual(quoteFor("", ""), { start: 0, end: 0 });
});

test("the last sentence of a text is what stands before its marker", () => {
  assert.equal(lastSentence("Logs are kept. Staff need a second factor "), "Staff need a second factor");
  assert.equal(lastSentence(""), "");
});
