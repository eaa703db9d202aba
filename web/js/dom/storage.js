/** The browser's storage, or null where it is switched off. */

/** @returns {Storage | null} */
export function localStorageOrNull() {
  return storageOrNull("localStorage");
}

/** Lives as long as the tab. @returns {Storage | null} */
export function sessionStorageOrNull() {
  return storageOrNull("sessionStorage");
}

/** @param {"localStorage" | "sessionStorage"} name */
function storageOrNull(name) {
  try {
    return window[name];
  } catch {
    return null;
  }
}
