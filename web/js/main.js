/**
 * Defines the elements of every page. Those of one page are defined in `pages/`; importing any other
 * module has no effect. Listeners come before speakers: what an element says must find its hearer.
 */

import { ConfirmDialog } from "./elements/confirm-dialog.js";
import { LocalTime } from "./elements/local-time.js";
import { QuickSearch } from "./elements/quick-search.js";
import { ShortcutHelp } from "./elements/shortcut-help.js";
import { SignOut } from "./elements/sign-out.js";
import { ThemeToggle } from "./elements/theme-toggle.js";
import { ToastStack } from "./elements/toast-stack.js";
import { UpdateNotice } from "./elements/update-notice.js";

customElements.define("toast-stack", ToastStack);
customElements.define("confirm-dialog", ConfirmDialog);
customElements.define("shortcut-help", ShortcutHelp);
customElements.define("update-notice", UpdateNotice);
customElements.define("theme-toggle", ThemeToggle);
customElements.define("sign-out", SignOut);
customElements.define("local-time", LocalTime);
customElements.define("quick-search", QuickSearch);
