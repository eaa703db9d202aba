/** Defines the elements of the page of the doctor. */

import { ServerDoctor } from "../elements/server-doctor.js";

customElements.define("server-doctor", ServerDoctor);
