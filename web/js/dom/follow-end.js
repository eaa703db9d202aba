/**
 * Keeps the end of a growing page in view until the reader scrolls up; goes on when the reader
 * comes back to the end.
 */

const NEAR_PX = 96;

export class FollowEnd {
  #onChange;
  #lastTop = 0;
  /** The look at the page that is due. */
  #look = 0;
  isFollowing = true;
  /** Whether the page is growing. */
  isLive = false;

  /**
   * @param {(isFollowing: boolean) => void} onChange
   * @param {AbortSignal} signal  ends the listening
   */
  constructor(onChange, signal) {
    this.#onChange = onChange;
    this.#lastTop = window.scrollY;
    this.isFollowing = this.#lastTop === 0 || this.#isNearEnd();
    window.addEventListener("scroll", this.#onScroll, { passive: true, signal });
    // Told after the page was laid out, so that asking for its height costs nothing.
    const observer = new ResizeObserver(() => {
      if (this.isLive) this.keepUp();
    });
    observer.observe(document.body);
    signal.addEventListener("abort", () => observer.disconnect());
  }

  /** Go to the end if the reader is following. */
  keepUp() {
    if (this.#look !== 0) this.#lookNow();
    if (this.isFollowing && !this.#isNearEnd(1)) this.#scrollToEnd();
  }

  jump() {
    this.#set(true);
    this.#scrollToEnd();
  }

  /** Stay where the reader was led to. */
  pause() {
    this.#set(false);
  }

  #scrollToEnd() {
    window.scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
  }

  /** Positions are asked for once the page is laid out again: before, that would lay it out twice. */
  #onScroll = () => {
    this.#look ||= window.setTimeout(this.#lookNow);
  };

  #lookNow = () => {
    clearTimeout(this.#look);
    this.#look = 0;
    const top = window.scrollY;
    const wentUp = top < this.#lastTop - 2;
    this.#lastTop = top;
    if (this.#isNearEnd()) this.#set(true);
    else if (wentUp) this.#set(false);
  };

  /** @param {boolean} isFollowing */
  #set(isFollowing) {
    if (isFollowing === this.isFollowing) return;
    this.isFollowing = isFollowing;
    this.#onChange(isFollowing);
  }

  #isNearEnd(distance = NEAR_PX) {
    const root = document.documentElement;
    return root.scrollHeight - window.innerHeight - window.scrollY <= distance;
  }
}
