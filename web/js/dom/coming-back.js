/** Knowing that the reader turns to this page again, or that the network is back. */

/**
 * @param {() => void} work  done once
 * @param {AbortSignal} signal  ends the waiting
 */
export function onceBack(work, signal) {
  const waiting = new AbortController();
  const goOn = () => {
    if (document.visibilityState !== "visible" || waiting.signal.aborted) return;
    waiting.abort();
    work();
  };
  signal.addEventListener("abort", () => waiting.abort(), { signal: waiting.signal });
  document.addEventListener("visibilitychange", goOn, { signal: waiting.signal });
  for (const name of ["focus", "online"]) window.addEventListener(name, goOn, { signal: waiting.signal });
}
