/** The dialogs that work on a draft: rewrite, verify, versions, export, feedback. */

import { notify } from "./messages.js";

/** @import {DraftEditor} from "../elements/draft-editor.js" */
/** @import {ExportDialog} from "../elements/export-dialog.js" */
/** @import {FeedbackDialog} from "../elements/feedback-dialog.js" */
/** @import {RewriteDialog} from "../elements/rewrite-dialog.js" */
/** @import {VerifyDialog} from "../elements/verify-dialog.js" */
/** @import {VersionsDialog} from "../elements/versions-dialog.js" */
/** @import {DraftParts} from "./draft-parts.js" */

/**
 * What opens each, by the name of its button.
 * @param {HTMLElement} root @param {DraftParts} parts @param {string} draftId
 * @returns {Record<string, () => unknown>}
 */
export function dialogActions(root, { editor, text }, draftId) {
  const dialog = (/** @type {string} */ name) => /** @type {any} */ (root.querySelector(`${name}-dialog`));
  return {
    "open-rewrite": () => openRewrite(dialog("rewrite"), editor),
    "open-verify": async () => {
      await editor.save();
      await /** @type {VerifyDialog} */ (dialog("verify")).open(editor, text);
    },
    "open-versions": () => /** @type {VersionsDialog} */ (dialog("versions")).open(editor),
    "open-export": () => /** @type {ExportDialog} */ (dialog("export")).open(draftId, editor),
    "open-feedback": () => /** @type {FeedbackDialog} */ (dialog("feedback")).open(draftId),
  };
}

/**
 * Offer another wording of what is selected, or of the section the caret is in.
 * @param {RewriteDialog} dialog @param {DraftEditor} editor
 */
function openRewrite(dialog, editor) {
  const { selection, section } = editor;
  if (selection !== null) return dialog.open(editor, selection, "Rewrite the selection");
  if (section !== null) return dialog.open(editor, section, `Rewrite “${section.title}”`);
  notify({ message: "Select the words that should read differently first." });
}
