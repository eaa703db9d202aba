/**
 * Keeps the marks of support in step with a draft: while it is written from the checks of its run,
 * afterwards from the server, and again for what a person changed.
 */

import { request } from "../lib/api.js";
import { pointsAt, unitsOf } from "../lib/code-points.js";
import { SupportMarks } from "./support-marks.js";

/** @import {DraftEditor} from "../elements/draft-editor.js" */
/** @import {DraftState} from "../lib/draft-state.js" */
/** @import {Checked} from "../lib/events.js" */

const PAUSE_MS = 1_200;

/** @typedef {{supported: number, total: number, sentences: Checked[]}} Coverage */

export class DraftSupport {
  #blockAt;
  #marks;
  #onCoverage;
  #read = 0;
  #marked = 0;
  #timer = 0;
  /** The text that was checked last. */
  #checked = "";

  /**
   * @param {(index: number) => HTMLElement | undefined} blockAt
   * @param {(coverage: Coverage) => void} onCoverage
   * @param {AbortSignal} signal
   */
  constructor(blockAt, onCoverage, signal) {
    this.#blockAt = blockAt;
    this.#onCoverage = onCoverage;
    this.#marks = new SupportMarks(signal);
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  /** Begin anew. */
  reset() {
    this.#read = 0;
    this.#marked = 0;
    this.#checked = "";
  }

  /** Mark the blocks that were closed since the last call. @param {DraftState} state */
  follow({ blocks, checks }) {
    while (this.#read < checks.length && this.#marked < blocks.length) {
      const end = blocks[this.#marked].char_end;
      if (end === undefined || checks[this.#read].start >= end) {
        this.#marked += 1;
        continue;
      }
      const block = this.#blockAt(this.#marked);
      const first = this.#read;
      while (this.#read < checks.length && checks[this.#read].start < end) this.#read += 1;
      const known = Number(block?.dataset.doubtful ?? 0);
      if (block !== undefined && known === 0) this.#marks.mark(block, checks.slice(first, this.#read));
    }
  }

  /** Ask how the text as it stands is supported, soon. @param {DraftEditor} editor @param {(checks: Checked[]) => void} onChecks */
  askSoon(editor, onChecks) {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.ask(editor, onChecks), PAUSE_MS);
  }

  /** @param {DraftEditor} editor @param {(checks: Checked[]) => void} onChecks */
  async ask(editor, onChecks) {
    const { text, citations, draftId } = editor;
    if (text === this.#checked || draftId === "") return;
    this.#checked = text;
    const found = await request("POST", `/api/v1/drafts/${draftId}/support`, { body: { content: text, citations } }).catch(() => null);
    if (found === null || editor.text !== text) return;
    this.#show(editor, found.sentences);
    onChecks(found.sentences);
    this.#onCoverage(found);
  }

  /** @param {DraftEditor} editor @param {Checked[]} checks */
  #show({ parts, text }, checks) {
    const units = unitsOf(text);
    let read = 0;
    let end = 0;
    for (const { block, source } of parts) {
      end += source.length;
      const endPoint = pointsAt(text, end);
      const first = read;
      while (read < checks.length && checks[read].start < endPoint) read += 1;
      const own = checks.slice(first, read);
      this.#marks.mark(block, own, own.map((check) => text.slice(units(check.start), units(check.end))));
    }
  }
}
