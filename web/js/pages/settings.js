/** Defines the elements of the page of one's own settings. */

import { ApiForms } from "../elements/api-forms.js";

customElements.define("api-forms", ApiForms);
