/** Defines the elements of the page of the pipeline. */

import { ConnectionBanner } from "../elements/connection-banner.js";
import { ModelChoice } from "../elements/model-choice.js";
import { PipelineView } from "../elements/pipeline-view.js";

customElements.define("model-choice", ModelChoice);
customElements.define("connection-banner", ConnectionBanner);
customElements.define("pipeline-view", PipelineView);
