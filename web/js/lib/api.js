/** JSON requests to this server; every failure carries a sentence a person can read. */

import { tellVersion } from "./versions.js";

/** The answer of a request that did not succeed. `status` is 0 when no answer came. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {{status?: number, code?: string, field?: string, retryAfterS?: number, body?: any}} [detail]
   */
  constructor(message, { status = 0, code = "UNREACHABLE", field, retryAfterS, body } = {}) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.field = field;
    this.retryAfterS = retryAfterS;
    this.body = body;
  }
}

const UNREACHABLE = "The server cannot be reached. Nothing is lost; try again in a moment.";
const STRANGE = "The answer did not come from Footnote. You may have been signed out; reload the page.";

/** @type {Record<number, string>} */
const SENTENCES = {
  401: "You are signed out. Sign in again in another tab, then try once more.",
  403: "You may see this, but not change it.",
  404: "This no longer exists, or you may not see it.",
  413: "This is larger than the server accepts.",
  429: "Too much is running at once. Wait a moment and try again.",
  503: "The server is busy or restarting. Try again in a moment.",
};

/**
 * @param {string} method
 * @param {string} path
 * @param {{body?: unknown, headers?: Record<string, string>, keepalive?: boolean, signal?: AbortSignal}} [options]
 *   a `FormData` body is sent as it is, anything else as JSON
 * @returns {Promise<any>} the parsed body, or null when there is none
 */
export async function request(method, path, options = {}) {
  const { body, headers = {}, keepalive, signal } = options;
  const isForm = typeof FormData !== "undefined" && body instanceof FormData;
  const isJson = body !== undefined && !isForm;
  /** @type {Response} */
  let response;
  try {
    response = await fetch(path, {
      method,
      body: isJson ? JSON.stringify(body) : /** @type {FormData | undefined} */ (body),
      headers: { Accept: "application/json", ...(isJson ? { "Content-Type": "application/json" } : {}), ...headers },
      credentials: "same-origin",
      keepalive,
      signal,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(UNREACHABLE);
  }
  tellVersion(response);
  if (!response.ok) throw await errorOf(response);
  return response.status === 204 ? null : await jsonOf(response);
}

/**
 * Turn a refusal into an error with a sentence.
 * @param {Response} response
 * @returns {Promise<ApiError>}
 */
export async function errorOf(response) {
  const body = await response.json().catch(() => null);
  const { code, message, field } = body?.error ?? {};
  const retryAfterS = Number(response.headers.get("Retry-After")) || undefined;
  const sentence = message || SENTENCES[response.status] || "Something went wrong on the server. Try again in a moment.";
  return new ApiError(sentence, { status: response.status, code: code ?? `HTTP_${response.status}`, field, retryAfterS, body });
}

/** @param {Response} response */
async function jsonOf(response) {
  try {
    return await response.json();
  } catch {
    throw new ApiError(STRANGE, { status: response.status, code: "NOT_JSON" });
  }
}
