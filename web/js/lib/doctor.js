/** What a browser finds about the way between it and the server. */

/** @typedef {{name: string, is_well: boolean, found: string, advice?: string}} Finding */

/** The pieces of the trial stream come over four fifths of a second; held back, they come at once. */
const LEAST_SPREAD_MS = 400;
const MOST_SKEW_MS = 60_000;

/**
 * @param {number} serverMs  the server's clock
 * @param {number} askedMs   this browser's, before it asked
 * @param {number} toldMs    and when it was told
 * @returns {Finding}
 */
export function clockFinding(serverMs, askedMs, toldMs) {
  const skew = Math.max(askedMs - serverMs, serverMs - toldMs, 0);
  const seconds = Math.round(skew / 1000);
  if (skew <= MOST_SKEW_MS) return { name: "Clocks", is_well: true, found: `${seconds} s apart` };
  const advice = "Set the clocks of the server and of this computer: sign-ins may end too early.";
  return { name: "Clocks", is_well: false, found: `${seconds} s apart`, advice };
}

/**
 * @param {number[]} times  when the pieces of the trial stream came, in milliseconds
 * @param {string | null} encoding  the Content-Encoding that arrived
 * @returns {Finding[]}
 */
export function proxyFindings(times, encoding) {
  const spread = times.length === 0 ? 0 : Math.round(times[times.length - 1] - times[0]);
  const found = `${times.length} pieces over ${spread} ms`;
  const isPlain = encoding === null || encoding === "identity";
  return [
    spread >= LEAST_SPREAD_MS
      ? { name: "Streams", is_well: true, found: `they come as they are written: ${found}` }
      : { name: "Streams", is_well: false, found: `they are held back: ${found}`, advice: "Switch buffering off in the proxy, for nginx: proxy_buffering off. Until then pages ask once a second." },
    isPlain
      ? { name: "Compression", is_well: true, found: "streams are not compressed" }
      : { name: "Compression", is_well: false, found: `streams are compressed with ${encoding}`, advice: "Leave text/event-stream out of the proxy’s compression." },
  ];
}
