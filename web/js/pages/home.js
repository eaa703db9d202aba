/** Defines the elements of the page of the list of knowledge bases. */

import { KbList } from "../elements/kb-list.js";

customElements.define("kb-list", KbList);
