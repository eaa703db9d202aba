/** Defines the elements of the page of administration. */

import { ApiForms } from "../elements/api-forms.js";
import { AuditLog } from "../elements/audit-log.js";

customElements.define("api-forms", ApiForms);
customElements.define("audit-log", AuditLog);
