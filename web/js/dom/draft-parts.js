/** The parts of a draft's page, found once: a search would walk through the text, which grows. */

import { slot } from "./find.js";

/** @import {CitationPopover} from "../elements/citation-popover.js" */
/** @import {CitationsPanel} from "../elements/citations-panel.js" */
/** @import {ConnectionBanner} from "../elements/connection-banner.js" */
/** @import {DraftEditor} from "../elements/draft-editor.js" */
/** @import {DraftText} from "../elements/draft-text.js" */
/** @import {LocalCopyOffer} from "../elements/local-copy-offer.js" */
/** @import {SectionTree} from "../elements/section-tree.js" */

/**
 * @typedef {object} DraftParts
 * @property {DraftText} text
 * @property {DraftEditor} editor
 * @property {CitationsPanel} panel
 * @property {CitationPopover} popover
 * @property {SectionTree} tree
 * @property {ConnectionBanner} banner
 * @property {LocalCopyOffer} copy
 * @property {HTMLElement} header
 * @property {HTMLElement} status
 * @property {HTMLElement} words
 * @property {HTMLElement} citations
 * @property {HTMLProgressElement} progress
 * @property {HTMLElement} coverage    how much of the text is supported
 * @property {HTMLElement} failedText
 * @property {HTMLElement} failedCode
 * @property {HTMLElement} retryLabel
 * @property {HTMLElement} jump
 */

/** @param {HTMLElement} root @returns {DraftParts} */
export function findDraftParts(root) {
  const part = (/** @type {string} */ selector) => /** @type {any} */ (root.querySelector(selector));
  return {
    text: part("draft-text"),
    editor: part("draft-editor"),
    panel: part("citations-panel"),
    popover: part("citation-popover"),
    tree: part("section-tree"),
    banner: part("connection-banner"),
    copy: part("local-copy-offer"),
    header: part(".draft-header"),
    status: slot(root, "status"),
    words: slot(root, "words"),
    citations: slot(root, "citations"),
    progress: slot(root, "progress"),
    coverage: part(".coverage"),
    failedText: slot(root, "failed-text"),
    failedCode: slot(root, "failed-code"),
    retryLabel: slot(root, "retry-label"),
    jump: part("[data-action=jump]"),
  };
}
