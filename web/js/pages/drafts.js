/** Defines the elements of the page of a list of drafts. */

import { DraftList } from "../elements/draft-list.js";

customElements.define("draft-list", DraftList);
