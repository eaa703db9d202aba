/** What is clicked before the page's scripts are there is done as soon as they are. */
{
  /** @type {HTMLElement | null} */
  let clicked = null;

  /** @param {Event} event */
  const note = ({ target }) => {
    clicked = target instanceof Element ? target.closest("button[type=button]") : null;
  };

  addEventListener("click", note, { capture: true });
  addEventListener("DOMContentLoaded", () => {
    removeEventListener("click", note, { capture: true });
    clicked?.click();
  }, { once: true });
}
