/** The browser's storage, or null where it is switched off. */

/** @returns {Storage | null} */
export function localStorageOrNull() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}
