/** The status line: where a draft stands, in words. */

const NUMBER = new Intl.NumberFormat("en");

/** @import {DraftState} from "./draft-state.js" */
/** @import {Connection} from "./event-stream.js" */

/**
 * @param {DraftState} state
 * @param {{typeName: string}} draft
 * @returns {string}
 */
export function progressText(state, { typeName }) {
  switch (state.phase) {
    case "starting": return "Starting…";
    case "retrieving": return searching(state);
    case "writing": return writing(state, typeName);
    case "waiting": return waiting(state);
    case "complete": return `Complete: ${counted(state)}`;
    case "stopped": return `${stopReason(state.cancelReason)} ${kept(state)}`;
    case "failed": return `Failed. ${kept(state)}`;
    case "partial": return `Partial draft: ${counted(state)}`;
  }
}

/**
 * @param {Connection} connection
 * @param {string} [kept]  what becomes of the work meanwhile
 * @returns {string} "" when there is nothing to say
 */
export function connectionText({ state, attempt, delayMs }, kept = "The draft is saved on the server as a partial draft.") {
  if (attempt === 0) return "";
  if (state === "live") return "Connected again.";
  const when = state === "waiting" && delayMs >= 1000 ? ` in ${Math.round(delayMs / 1000)} s` : "";
  if (attempt <= 3) return `Connection lost. Reconnecting, attempt ${attempt}${when}. The text here is kept.`;
  return `Still no connection. ${kept} Reconnecting, attempt ${attempt}${when}.`;
}

/** @param {number} count @param {string} noun @returns {string} */
export function plural(count, noun) {
  return `${NUMBER.format(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * A score as a person reads it.
 * @param {number} confidence 0 to 1
 * @returns {{level: "high" | "medium" | "low", words: string}}
 */
export function confidenceText(confidence) {
  const percent = Math.round(confidence * 100);
  if (confidence >= 0.8) return { level: "high", words: `${percent} % · strong match` };
  if (confidence >= 0.5) return { level: "medium", words: `${percent} % · fair match` };
  return { level: "low", words: `${percent} % · weak match, check it` };
}

/** @param {DraftState} state */
function searching(state) {
  return state.sourceCount > 0 ? `Found ${plural(state.sourceCount, "source")}` : "Searching the documents…";
}

/** @param {DraftState} state @param {string} typeName */
function writing({ stage, sourceCount, length }, typeName) {
  if (stage !== null && stage.section > 0 && stage.message !== "") {
    return `Writing: ${stage.message} (${stage.section} of ${stage.sections})`;
  }
  const found = length === 0 && sourceCount > 0 ? ` from ${plural(sourceCount, "source")}` : "";
  return `Generating ${typeName}${found}…`;
}

/** @param {DraftState} state */
function waiting({ wait }) {
  const seconds = Math.round(wait.delayS);
  return seconds > 0 ? `Waiting for the model, ${seconds} s` : wait.message || "Waiting for the model…";
}

/** @param {string} reason */
function stopReason(reason) {
  if (reason === "abandoned") return "Stopped, because nobody was reading.";
  if (reason === "shutdown") return "Stopped, because the server was shut down.";
  return "Stopped.";
}

/** @param {DraftState} state */
function kept(state) {
  return state.length === 0 ? "Nothing was written yet." : `${plural(state.wordCount, "word")} are kept.`.replace("1 word are", "1 word is");
}

/** @param {DraftState} state */
function counted(state) {
  return `${plural(state.wordCount, "word")}, ${plural(state.citations.length, "citation")}`;
}
