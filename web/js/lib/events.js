/**
 * The native event vocabulary, as engine/runs/events.py writes it. Fields at their default are left
 * out on the wire, so every reader gives its own.
 */

/**
 * @typedef {object} Citation
 * @property {number} number          the marker it stands for, from 1
 * @property {string} document_id
 * @property {string} document_name
 * @property {number | null} [page]
 * @property {string | null} [section]
 * @property {string} excerpt
 * @property {number} confidence      0 to 1
 * @property {string} [chunk_id]
 * @property {string | null} [kb_id]  where an answer draws on several knowledge bases
 * @property {number} [version]       the latest one when it is not said
 * @property {number} char_start      code points in the version's text
 * @property {number} char_end
 * @property {number} [quote_start]   code points in the excerpt
 * @property {number} [quote_end]
 */

/**
 * A passage that was found; its place in the list is its number.
 * @typedef {object} OfferedSource
 * @property {string} chunk_id
 * @property {string} document_id
 * @property {string} document_name
 * @property {number | null} [page]
 * @property {string | null} [section]
 * @property {string} excerpt   the whole passage
 * @property {number} score     0 to 1
 * @property {string | null} [kb_id]
 * @property {number} char_start
 * @property {number} char_end
 */

/**
 * How well an answer rests on its sources.
 * @typedef {object} Verdict
 * @property {number} score     0 to 1
 * @property {boolean} accepted
 * @property {string[]} issues
 */

/**
 * How well a sentence is supported by what it cites; positions in code points of the draft.
 * @typedef {object} Checked
 * @property {number} start
 * @property {number} end
 * @property {number[]} citations
 * @property {number} score     0 to 1
 * @property {boolean} supported
 * @property {string} verdict
 * @property {string[]} reasons
 * @property {number} section   counts the headings "## " up to it
*/

/**
 * @typedef {{seq?: number, event: "started", family?: string, draft_id?: string, conversation_id?: string, title?: string}
 *   | {seq?: number, event: "stage", name: string, message: string, percent: number, section?: number, sections?: number, delay_s?: number, states?: string[]}
 *   | {seq?: number, event: "cache_hit", age_s: number, answer: string, sources: OfferedSource[]}
 *   | {seq?: number, event: "retrieved", count: number, context_chars: number}
 *   | {seq?: number, event: "sources", items: OfferedSource[], context_chars?: number}
 *   | {seq?: number, event: "delta", text: string}
 *   | {seq?: number, event: "token", stage: string, text: string}
 *   | {seq?: number, event: "draft_text", text: string}
 *   | {seq?: number, event: "verified"} & Verdict
 *   | {seq?: number, event: "cited", citation: Citation}
 *   | {seq?: number, event: "block", index: number, html: string, end: number, char_end?: number}
 *   | {seq?: number, event: "checked"} & Checked
 *   | {seq?: number, event: "caught_up"}
 *   | {seq?: number, event: "completed", confidence?: number, citation_count?: number, word_count?: number, low_confidence_sections?: string[], unsupported_sentences?: number, warnings?: string[], finish_reason?: string, result?: Record<string, any>}
 *   | {seq?: number, event: "failed", code: string, message: string, retryable?: boolean, retry_after_s?: number | null, recovery?: string[]}
 *   | {seq?: number, event: "cancelled", reason: string}} RunEvent
 */

/** Events a run ends with; exactly one, always last. */
export const TERMINAL = new Set(["completed", "failed", "cancelled"]);

/** Events made for the page alone: they carry no place in the journal. */
export const DERIVED = new Set(["block", "checked", "caught_up"]);

/** Every kind the journal knows. */
export const JOURNALED = new Set([
  "started", "stage", "cache_hit", "retrieved", "sources", "delta", "token", "draft_text", "cited", "verified", ...TERMINAL,
]);

/**
 * Split an event id.
 * @param {string} id  `<run_id>:<seq>`
 * @returns {{runId: string, seq: number} | null}
 */
export function parseEventId(id) {
  const match = /^(.+):([0-9]+)$/.exec(id);
  return match === null ? null : { runId: match[1], seq: Number(match[2]) };
}
