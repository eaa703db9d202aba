/** Finding the parts of an element by their `data-slot`. */

/**
 * @template {HTMLElement} [T=HTMLElement]
 * @param {ParentNode} root
 * @param {string} name
 * @returns {T}
 */
export function slot(root, name) {
  const found = root.querySelector(`[data-slot="${name}"]`);
  if (found === null) throw new Error(`The page has no part named ${name}.`);
  return /** @type {T} */ (found);
}

/**
 * Write text only if it changes, so that a live region does not repeat itself.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * What a click was meant to do, or null.
 * @param {Event} event
 * @returns {{name: string, button: HTMLElement} | null}
 */
export function actionOf(event) {
  const button = event.target instanceof Element ? event.target.closest("[data-action]") : null;
  return button instanceof HTMLElement ? { name: button.dataset.action ?? "", button } : null;
}

/**
 * A copy of what the template inside `root` holds.
 * @param {ParentNode} root
 * @returns {HTMLElement}
 */
export function stamp(root) {
  const template = /** @type {HTMLTemplateElement} */ (root.querySelector("template"));
  const first = /** @type {Element} */ (template.content.firstElementChild);
  return /** @type {HTMLElement} */ (document.importNode(first, true));
}
