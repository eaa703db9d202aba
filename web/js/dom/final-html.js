/**
 * The only place where text becomes elements or code. The server lets pages do this under one
 * policy alone, the one made here; any other place that tried would raise an error.
 */

/** @type {{createHTML: (html: string) => any, createScriptURL: (path: string) => any}} */
const policy = /** @type {any} */ (globalThis).trustedTypes?.createPolicy("footnote", {
  createHTML: (/** @type {string} */ html) => html,
  createScriptURL: ownScript,
}) ?? { createHTML: (html) => html, createScriptURL: ownScript };

/**
 * @param {HTMLElement} element
 * @param {string} html  a `block` of the native dialect: the output of the server's one renderer,
 *                       which lets no tag or script of a document or a model through
 */
export function setFinalHtml(element, html) {
  element.innerHTML = policy.createHTML(html);
}

/** Read a page of this server, fetched again, to take parts of it. @param {string} html */
export function parsePage(html) {
  return new DOMParser().parseFromString(policy.createHTML(html), "text/html");
}

/**
 * Read what was copied elsewhere. The document is inert: nothing in it runs or is fetched, and only
 * its text and the names of its elements are looked at.
 * @param {string} html
 */
export function parseForeign(html) {
  return parsePage(html).body;
}

/** Start a worker shared by all tabs. @param {string} path of a file of this server @param {string} name */
export function startSharedWorker(path, name) {
  return new SharedWorker(policy.createScriptURL(path), { type: "module", name });
}

/** @param {string} path @returns {string} */
function ownScript(path) {
  if (!/^\/static\/\w+\/js\//.test(path)) throw new TypeError("Only scripts of this server may run.");
  return path;
}
