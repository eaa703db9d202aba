/** What the server knows of a draft: it stands in the draft's page, and can be taken anew. */

import { DraftState } from "../lib/draft-state.js";
import { parsePage } from "./final-html.js";
import { slot } from "./find.js";

/** @import {Phase} from "../lib/draft-state.js" */
/** @import {Citation} from "../lib/events.js" */

/**
 * @typedef {object} Snapshot
 * @property {string} kbId
 * @property {string} draftId
 * @property {string | null} runId
 * @property {number} after       the run's last event that `content` includes
 * @property {boolean} isLive
 * @property {string} title
 * @property {string} typeName
 * @property {string} status
 * @property {string} content
 * @property {string} openText
 * @property {number[]} blockEnds  in UTF-16 code units
 * @property {number} version
 * @property {boolean} mayEdit
 * @property {number} wordCount
 * @property {string[]} sections
 * @property {Citation[]} citations
 * @property {{code: string, message: string, retryable?: boolean} | null} failure
 *
 * @typedef {object} FreshDraft
 * @property {Snapshot} snapshot
 * @property {Element} text   a draft-text with the same content
 * @property {Element} panel  a citations-panel with its cards
 */

/** @param {ParentNode} page @returns {Snapshot} */
export function snapshotIn(page) {
  return JSON.parse(slot(page, "snapshot").textContent ?? "");
}

/** Take the draft of this page from the server as it is now. @returns {Promise<FreshDraft>} */
export async function fetchDraft() {
  const response = await fetch(location.pathname, { headers: { Accept: "text/html" }, cache: "no-store" });
  if (!response.ok) throw new Error(`status ${response.status}`);
  const page = parsePage(await response.text()).querySelector("streaming-draft-view");
  if (page === null) throw new Error("not a draft page");
  return {
    snapshot: snapshotIn(page),
    text: /** @type {Element} */ (page.querySelector("draft-text")),
    panel: /** @type {Element} */ (page.querySelector("citations-panel")),
  };
}

/** The state that the events of the run build upon. @param {Snapshot} snapshot */
export function stateOf(snapshot) {
  const { content: text, openText, blockEnds, citations, sections, wordCount, failure } = snapshot;
  const state = new DraftState({ text, openText, blockEnds, citations, sections, wordCount, phase: phaseOf(snapshot) });
  if (failure) state.failure = { retryable: true, retryAfterS: null, ...failure };
  return state;
}

/** @param {Snapshot} snapshot @returns {Phase} */
function phaseOf({ isLive, failure, status }) {
  if (isLive) return "starting";
  if (failure) return "failed";
  return status === "partial" || status === "streaming" ? "partial" : "complete";
}
