/** An answer's standing and worth, in words. */

import { plural } from "./progress-text.js";

/** @import {AnswerState} from "./answer-state.js" */
/** @import {OfferedSource, Verdict} from "./events.js" */

/** @param {AnswerState} state @returns {string} the status line */
export function answerStatus(state) {
  switch (state.phase) {
    case "starting": return "Starting…";
    case "retrieving": return "Searching the documents…";
    case "writing": return state.length === 0 ? `Reading ${plural(state.sources?.length ?? 0, "source")}…` : "Writing…";
    case "waiting": return state.wait.delayS >= 1 ? `Waiting for the model, ${Math.round(state.wait.delayS)} s` : "Waiting for the model…";
    case "complete": return `Answered${originText(state)}.`;
    case "stopped": return state.length === 0 ? "Stopped before anything was written." : "Stopped. What was written is kept on this page.";
    case "failed": return "Failed.";
  }
}

/** @param {AnswerState} state */
function originText({ result, cacheAgeS }) {
  const took = typeof result.duration_ms === "number" ? ` in ${millisecondsText(result.duration_ms)}` : "";
  return cacheAgeS === null ? took : `${took}, ${ageText(cacheAgeS)}`;
}

/** @param {number} ms @returns {string} */
export function millisecondsText(ms) {
  return `${Math.round(ms).toLocaleString("en")} ms`;
}

/** @param {number | null} seconds null when nobody knows @returns {string} */
export function ageText(seconds) {
  if (seconds === null) return "from cache";
  if (seconds < 60) return "from cache, less than a minute old";
  if (seconds < 3600) return `from cache, ${Math.round(seconds / 60)} min old`;
  if (seconds < 172_800) return `from cache, ${Math.round(seconds / 3600)} h old`;
  return `from cache, ${Math.round(seconds / 86_400)} days old`;
}

/**
 * How well an answer rests on its sources. The score measures words in common, so it says "supported"
 * and never more.
 * @param {Verdict} verdict
 * @returns {{level: "high" | "medium" | "low", words: string}}
 */
export function supportText({ score, accepted, issues }) {
  if (!accepted) return { level: "low", words: "Weakly supported by its sources: check it before you use it" };
  if (issues.length > 0) return { level: "medium", words: `Supported by its sources, with ${plural(issues.length, "point")} to check` };
  if (score < 0.8) return { level: "medium", words: "Fairly supported by its sources" };
  return { level: "high", words: "Well supported by its sources" };
}

/** @param {number} percent @returns {{level: "high" | "medium" | "low", words: string}} */
export function searchConfidence(percent) {
  if (percent >= 80) return { level: "high", words: `${percent} % · high confidence` };
  if (percent >= 50) return { level: "medium", words: `${percent} % · medium confidence, look at the sources` };
  return { level: "low", words: `${percent} % · low confidence, check every statement` };
}

/**
 * An answer as it is pasted elsewhere, with what its markers stand for. Markers name the position of
 * a source unless the source has a number of its own.
 * @param {string} text
 * @param {(Pick<OfferedSource, "document_name" | "page" | "section"> & {number?: number})[]} sources
 * @returns {string}
 */
export function withSources(text, sources) {
  if (sources.length === 0) return text;
  const lines = sources.map(({ document_name: name, page, section, number }, i) => {
    const place = [name, page ? `page ${page}` : "", section ?? ""].filter(Boolean).join(", ");
    return `[${number ?? i + 1}] ${place}`;
  });
  return `${text}\n\nSources:\n${lines.join("\n")}\n`;
}
