/** A log of frames for support, silent unless `localStorage.DEBUG_STREAMING` is set. */

/**
 * @param {Pick<Storage, "getItem"> | null} storage
 * @param {(...args: unknown[]) => void} write
 * @returns {(...args: unknown[]) => void}
 */
export function debugLog(storage, write) {
  return isOn(storage) ? (...args) => write("[stream]", ...args) : () => {};
}

/** @param {Pick<Storage, "getItem"> | null} storage */
function isOn(storage) {
  try {
    const value = storage?.getItem("DEBUG_STREAMING") ?? "";
    return !["", "0", "false"].includes(value);
  } catch {
    return false;
  }
}
