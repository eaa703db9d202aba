/** Keys that let the server know a request it has seen. */

/** @returns {string} 128 random bits; `crypto.randomUUID` is missing where the page did not come over HTTPS */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
