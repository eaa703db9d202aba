/** Defines the elements of the page of a document. */

import { DocumentReader } from "../elements/document-reader.js";

customElements.define("document-reader", DocumentReader);
