/** Defines the elements of the page of the search. */

import { BasketBar } from "../elements/basket-bar.js";
import { CitationPopover } from "../elements/citation-popover.js";
import { CitationsPanel } from "../elements/citations-panel.js";
import { ConnectionBanner } from "../elements/connection-banner.js";
import { DraftText } from "../elements/draft-text.js";
import { ResultList } from "../elements/result-list.js";
import { SearchView } from "../elements/search-view.js";

customElements.define("basket-bar", BasketBar);
customElements.define("draft-text", DraftText);
customElements.define("citations-panel", CitationsPanel);
customElements.define("citation-popover", CitationPopover);
customElements.define("connection-banner", ConnectionBanner);
customElements.define("result-list", ResultList);
customElements.define("search-view", SearchView);
