/**
 * Reads runs for all tabs of a browser; lives in a shared worker.
 *
 * A tab opens one port for each run it wants to follow, and says on it:
 * `join {runId, after}`, `wake` (the network may be back), `ask` (answered by `here`), `leave`.
 * It hears `events`, `connection`, and at last `over`. A tab that dies says nothing; where the browser
 * does not tell either, its run is read on until it ends, which harms nobody.
 */

import { ApiError } from "./api.js";
import { EventStream } from "./event-stream.js";
import { countedLines } from "./lines.js";
import { SharedRun } from "./shared-run.js";

/** @import {Surroundings} from "./event-stream.js" */
/** @import {Message} from "./shared-run.js" */

/**
 * @typedef {{kind: "join", runId: string, after: number} | {kind: "wake"} | {kind: "ask"} | {kind: "leave"}} Request
 * @typedef {{postMessage: (message: any) => void, onmessage: ((event: any) => void) | null, onclose?: (() => void) | null, close: () => void}} Port
 */

export class StreamHub {
  /** @type {Map<string, SharedRun>} */
  #runs = new Map();
  #env;

  /** @param {Partial<Surroundings>} [env] */
  constructor(env = {}) {
    this.#env = { lines: countedLines(), ...env };
  }

  /** How many runs are read. */
  get size() {
    return this.#runs.size;
  }

  /** Serve one port. @param {Port} port */
  connect(port) {
    const tell = (/** @type {Message} */ message) => port.postMessage(message);
    /** @type {SharedRun | null} */
    let run = null;
    const leave = () => run?.leave(tell);
    port.onclose = leave;
    port.onmessage = ({ data }) => {
      const request = /** @type {Request} */ (data);
      if (request.kind === "ask") tell({ kind: "here" });
      if (request.kind === "wake") run?.wake();
      if (request.kind === "leave") leave();
      if (request.kind === "join") {
        run = this.#find(request.runId);
        run.join(tell, request.after);
      }
    };
  }

  /** @param {string} runId */
  #find(runId) {
    const known = this.#runs.get(runId);
    if (known !== undefined) return known;
    const run = new SharedRun(runId, (source, handlers) => new EventStream(source, handlers, this.#env), () => {
      if (this.#runs.get(runId) === run) this.#runs.delete(runId);
    });
    this.#runs.set(runId, run);
    return run;
  }
}

/** Make the error of an outcome again from what a port carried. @param {any} outcome */
export function revived(outcome) {
  if (outcome.kind !== "refused") return outcome;
  return { kind: "refused", error: new ApiError(outcome.error.message, outcome.error) };
}
