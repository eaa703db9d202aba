import assert from "node:assert/strict";
import { test } from "node:test";

import { PipelineState, stepStates } from "../../web/js/lib/pipeline-state.js";

/** @param {any[]} events @param {{draft?: string}} [known] */
function stateAfter(events, known) {
  const state = new PipelineState(known);
  for (const event of events) state.apply(event);
  return state;
}

const stage = (/** @type {string} */ name, /** @type {number} */ percent) => ({ event: "stage", name, message: name, percent });
const token = (/** @type {string} */ kind, /** @type {string} */ text) => ({ event: "token", stage: kind, text });
const DRAFTED = [stage("load_prompts", 10), stage("generator", 30), token("draft", "A "), token("draft", "draft"), { event: "draft_text", text: "A draft" }];

test("the steps and the percentage follow the events", () => {
  const state = stateAfter([...DRAFTED, stage("formatter", 60)]);
  assert.deepEqual([state.draft, state.percent, state.step], ["A draft", 60, "formatter"]);
  assert.deepEqual(stepStates(state).map(({ state: step }) => step), ["done", "done", "current", "todo", "todo"]);
  state.apply(/** @type {any} */ ({ event: "completed", result: { success: true, output: "Out" } }));
  assert.deepEqual([state.phase, state.output, state.percent], ["complete", "Out", 100]);
  assert.ok(stepStates(state).every(({ state: step }) => step === "done"));
});

test("waiting changes the words, not the step, and percentages never go back", () => {
  const state = stateAfter([...DRAFTED, stage("formatter", 60), { event: "stage", name: "waiting", message: "…", percent: 30, delay_s: 7 }]);
  assert.deepEqual([state.message, state.step, state.percent], ["Waiting for the model, 7 s", "formatter", 60]);
});

test("a retry begins the output anew and keeps the draft", () => {
  const state = stateAfter([...DRAFTED, stage("formatter", 60), token("formatted", "bad"), stage("validator", 80), stage("retry", 90)]);
  assert.deepEqual([state.draft, state.output, state.isRetrying], ["A draft", "", true]);
  state.apply(/** @type {any} */ (token("formatted", "better")));
  assert.equal(state.output, "better");
});

test("a result that breaks rules is a warning with its text and its lines", () => {
  const problems = [{ line: 3, message: "No answer.", section: "Question 1" }];
  const state = stateAfter([...DRAFTED, { event: "completed", result: { success: false, output: null, partial_output: "P", validation_errors: problems } }]);
  assert.deepEqual([state.phase, state.output, state.problems], ["invalid", "P", problems]);
  assert.deepEqual(stepStates(state).map(({ state: step }) => step), ["done", "done", "done", "failed", "todo"]);
});

test("a stop and a failure keep what was written", () => {
  assert.equal(stateAfter([...DRAFTED, { event: "cancelled", reason: "stopped" }]).draft, "A draft");
  const failed = stateAfter([...DRAFTED, { event: "failed", code: "LLM_ERROR", message: "It broke." }]);
  assert.deepEqual([failed.phase, failed.draft, failed.failure], ["failed", "A draft", { code: "LLM_ERROR", message: "It broke." }]);
});

test("an edited draft is there from the start, and a draft alone is no output", () => {
  assert.equal(stateAfter([stage("formatter", 60)], { draft: "Mine" }).draft, "Mine");
  const alone = stateAfter([...DRAFTED, { event: "completed", result: { success: true, output: "A draft", draft: "A draft" } }]);
  assert.equal(alone.output, "");
  assert.deepEqual(stepStates(alone).map(({ state: step }) => step), ["done", "done", "todo", "todo", "todo"]);
  assert.match(alone.message, /^The draft is ready/);
});

test("a result in one piece brings its draft along", () => {
  const state = stateAfter([{ event: "completed", result: { success: true, output: "O", draft: "D" } }]);
  assert.deepEqual([state.draft, state.output, state.isDraftOnly], ["D", "O", false]);
});
