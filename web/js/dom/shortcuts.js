/**
 * Keys for buttons. A button says its keys itself (`data-key="s Escape"`); pressing one is pressing
 * the button, if it is there to be pressed.
 */

/**
 * @param {KeyboardEvent} event
 * @returns {HTMLElement | null} what the key presses
 */
export function targetOfKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return null;
  if (isTyping(event.target) || document.querySelector("dialog[open]") !== null) return null;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const buttons = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-key]"));
  return Array.from(buttons).find((button) => keysOf(button).includes(key) && canBePressed(button)) ?? null;
}

/** @param {HTMLElement} button @returns {string[]} */
export function keysOf(button) {
  return (button.dataset.key ?? "").split(" ");
}

/** @param {HTMLElement} button */
export function canBePressed(button) {
  if (/** @type {HTMLButtonElement} */ (button).disabled) return false;
  return button.matches("input[type=file]") || button.checkVisibility();
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof Element && target.matches("input:not([type=radio], [type=checkbox], [type=file]), textarea, select, [contenteditable]");
}
