/**
 * The only place where HTML becomes elements. It is the output of the server's one renderer, which
 * lets no tag or script of a document or a model through.
 */

/** @type {{createHTML: (html: string) => any}} */
const policy = /** @type {any} */ (globalThis).trustedTypes?.createPolicy("footnote", {
  createHTML: (/** @type {string} */ html) => html,
}) ?? { createHTML: (html) => html };

/**
 * @param {HTMLElement} element
 * @param {string} html  a `block` of the native dialect
 */
export function setFinalHtml(element, html) {
  element.innerHTML = policy.createHTML(html);
}
