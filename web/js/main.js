/** Defines every element of the page; importing any other module has no effect. */

import { CitationPopover } from "./elements/citation-popover.js";
import { CitationsPanel } from "./elements/citations-panel.js";
import { ConnectionBanner } from "./elements/connection-banner.js";
import { ConfirmDialog } from "./elements/confirm-dialog.js";
import { DocumentList } from "./elements/document-list.js";
import { DocumentReader } from "./elements/document-reader.js";
import { DocumentUpload } from "./elements/document-upload.js";
import { DraftList } from "./elements/draft-list.js";
import { DraftText } from "./elements/draft-text.js";
import { GenerationDialog } from "./elements/generation-dialog.js";
import { KbList } from "./elements/kb-list.js";
import { LocalCopyOffer } from "./elements/local-copy-offer.js";
import { LocalTime } from "./elements/local-time.js";
import { SectionTree } from "./elements/section-tree.js";
import { ShortcutHelp } from "./elements/shortcut-help.js";
import { SignOut } from "./elements/sign-out.js";
import { StreamingDraftView } from "./elements/streaming-draft-view.js";
import { ThemeToggle } from "./elements/theme-toggle.js";
import { ToastStack } from "./elements/toast-stack.js";

// Listeners before speakers: what a page element says must find its hearer.
customElements.define("toast-stack", ToastStack);
customElements.define("confirm-dialog", ConfirmDialog);
customElements.define("shortcut-help", ShortcutHelp);
customElements.define("theme-toggle", ThemeToggle);
customElements.define("sign-out", SignOut);
customElements.define("local-time", LocalTime);
customElements.define("kb-list", KbList);
customElements.define("draft-list", DraftList);
customElements.define("document-list", DocumentList);
customElements.define("document-upload", DocumentUpload);
customElements.define("document-reader", DocumentReader);
customElements.define("generation-dialog", GenerationDialog);
customElements.define("section-tree", SectionTree);
customElements.define("draft-text", DraftText);
customElements.define("citations-panel", CitationsPanel);
customElements.define("citation-popover", CitationPopover);
customElements.define("connection-banner", ConnectionBanner);
customElements.define("local-copy-offer", LocalCopyOffer);
customElements.define("streaming-draft-view", StreamingDraftView);
