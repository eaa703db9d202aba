/** Defines the elements of the page of a chat. */

import { BasketBar } from "../elements/basket-bar.js";
import { ChatAnswer } from "../elements/chat-answer.js";
import { ChatView } from "../elements/chat-view.js";
import { CitationPopover } from "../elements/citation-popover.js";
import { CitationsPanel } from "../elements/citations-panel.js";
import { ConnectionBanner } from "../elements/connection-banner.js";
import { ConversationList } from "../elements/conversation-list.js";
import { DraftText } from "../elements/draft-text.js";
import { ModelChoice } from "../elements/model-choice.js";

customElements.define("basket-bar", BasketBar);
customElements.define("model-choice", ModelChoice);
customElements.define("draft-text", DraftText);
customElements.define("citations-panel", CitationsPanel);
customElements.define("citation-popover", CitationPopover);
customElements.define("connection-banner", ConnectionBanner);
customElements.define("chat-answer", ChatAnswer);
customElements.define("conversation-list", ConversationList);
customElements.define("chat-view", ChatView);
