/** Defines the elements of the page of a draft. */

import { CitationPopover } from "../elements/citation-popover.js";
import { CitationsPanel } from "../elements/citations-panel.js";
import { ConnectionBanner } from "../elements/connection-banner.js";
import { DraftEditor } from "../elements/draft-editor.js";
import { DraftText } from "../elements/draft-text.js";
import { ExportDialog } from "../elements/export-dialog.js";
import { FeedbackDialog } from "../elements/feedback-dialog.js";
import { LocalCopyOffer } from "../elements/local-copy-offer.js";
import { RewriteDialog } from "../elements/rewrite-dialog.js";
import { SectionTree } from "../elements/section-tree.js";
import { StreamingDraftView } from "../elements/streaming-draft-view.js";
import { VerifyDialog } from "../elements/verify-dialog.js";
import { VersionsDialog } from "../elements/versions-dialog.js";

customElements.define("section-tree", SectionTree);
customElements.define("draft-text", DraftText);
customElements.define("draft-editor", DraftEditor);
customElements.define("citations-panel", CitationsPanel);
customElements.define("citation-popover", CitationPopover);
customElements.define("connection-banner", ConnectionBanner);
customElements.define("local-copy-offer", LocalCopyOffer);
customElements.define("export-dialog", ExportDialog);
customElements.define("feedback-dialog", FeedbackDialog);
customElements.define("rewrite-dialog", RewriteDialog);
customElements.define("verify-dialog", VerifyDialog);
customElements.define("versions-dialog", VersionsDialog);
customElements.define("streaming-draft-view", StreamingDraftView);
