/** The shared worker: one for all tabs, with one port for each stream a tab follows. */

import { StreamHub } from "./lib/stream-hub.js";

const hub = new StreamHub();

globalThis.addEventListener("connect", (event) => hub.connect(/** @type {any} */ (/** @type {MessageEvent} */ (event).ports[0])));
