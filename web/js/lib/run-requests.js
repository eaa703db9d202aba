/** What is asked of the server about a run, and what an answer that is not the run means. */

import { ApiError, errorOf } from "./api.js";

/**
 * @typedef {object} StartRequest
 * @property {string} url
 * @property {unknown} body
 * @property {string} idempotencyKey
 * @property {boolean} [isStartOnly]  only start the run; what it writes is read elsewhere
 *
 * @typedef {object} Question
 * @property {typeof fetch} fetch
 * @property {AbortSignal} signal
 */

const SIGN_IN = "The text here is kept. Sign in again in another tab, then come back to this one.";

export const STREAM = "text/event-stream";
export const PAGE = "application/json";

/**
 * Ask for the events behind a cursor, as a stream or as one page.
 * @param {Question & {runId: string, after: number, accept: string}} question
 */
export function askForEvents({ fetch, signal, runId, after, accept }) {
  const poll = accept === PAGE ? "poll=1&" : "";
  return fetch(`/api/v1/runs/${encodeURIComponent(runId)}/events?${poll}after=${after}`, initOf(accept, signal));
}

/**
 * Ask for a run to be started; answered by its stream, or, if that is preferred, by its ids alone.
 * @param {Question & {request: StartRequest, prefersIds: boolean}} question
 */
export function askToStart({ fetch, signal, request: { url, body, idempotencyKey }, prefersIds }) {
  const init = initOf(STREAM, signal, {
    "Content-Type": "application/json",
    "Idempotency-Key": idempotencyKey,
    ...(prefersIds ? { Prefer: "respond-async" } : {}),
  });
  return fetch(url, { ...init, method: "POST", body: JSON.stringify(body) });
}

/**
 * Tell why an answer is not what was asked for; null if it is.
 * @param {Response} response
 * @param {string} accept  the content type wanted
 * @returns {Promise<ApiError | null>}
 */
export async function refusalOf(response, accept) {
  const type = response.headers.get("Content-Type") ?? "";
  if (response.ok && type.startsWith(accept)) return null;
  if (response.ok || response.type === "opaqueredirect") return signedOutByProxy(response.status);
  const error = await errorOf(response);
  return error.status === 401 ? signedOut() : error;
}

/** Whether a refusal asks to sign in; then reading goes on as soon as that is done. @param {ApiError} error */
export function isSignedOut({ code, status }) {
  return status === 401 || code === "NOT_A_STREAM";
}

/** The run has nothing behind the cursor and will have nothing. */
export function alreadyOver() {
  return new ApiError("This run has ended.", { status: 410, code: "RUN_OVER" });
}

/** @param {string} accept @param {AbortSignal} signal @param {Record<string, string>} [headers] @returns {RequestInit} */
function initOf(accept, signal, headers = {}) {
  // Footnote never redirects these: a redirect is a proxy that wants a sign-in, often on another host.
  return { signal, headers: { Accept: accept, ...headers }, credentials: "same-origin", cache: "no-store", redirect: "manual" };
}

function signedOut() {
  return new ApiError(`You are signed out. ${SIGN_IN}`, { status: 401, code: "UNAUTHENTICATED" });
}

/** @param {number} status */
function signedOutByProxy(status) {
  const message = `The answer did not come from Footnote: a proxy may have signed you out. ${SIGN_IN}`;
  return new ApiError(message, { status, code: "NOT_A_STREAM" });
}
