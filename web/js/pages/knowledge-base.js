/** Defines the elements of the page of a knowledge base. */

import { ApiForms } from "../elements/api-forms.js";
import { BasketPassages } from "../elements/basket-passages.js";
import { DocumentList } from "../elements/document-list.js";
import { DocumentUpload } from "../elements/document-upload.js";
import { GenerationDialog } from "../elements/generation-dialog.js";
import { OutlineEditor } from "../elements/outline-editor.js";

customElements.define("api-forms", ApiForms);
customElements.define("basket-passages", BasketPassages);
customElements.define("document-list", DocumentList);
customElements.define("document-upload", DocumentUpload);
customElements.define("outline-editor", OutlineEditor);
customElements.define("generation-dialog", GenerationDialog);
