/**
 * Noticing an update of the server from a page that was made before it. Every answer names the
 * server's version; whoever reads one, a page or the worker of all pages, passes it on to all of them.
 */

const CHANNEL = "footnote:version";
const HEADER = "X-Footnote-Version";

/** Pass on which version has answered. @param {Response} response */
export function tellVersion(response) {
  const version = response.headers.get(HEADER);
  if (version === null) return;
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(version);
  channel.close();
}

/**
 * @param {(version: string) => void} hear
 * @param {AbortSignal} signal
 */
export function hearVersions(hear, signal) {
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = ({ data }) => hear(String(data));
  signal.addEventListener("abort", () => channel.close());
}
