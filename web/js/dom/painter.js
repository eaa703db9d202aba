/** Paints at most thirty times a second, however many events arrive, and not while nobody looks. */

const INTERVAL_MS = 33;

export class Painter {
  #paint;
  #frame = 0;
  #timer = 0;
  #paintedAt = -Infinity;

  /** @param {() => void} paint */
  constructor(paint) {
    this.#paint = paint;
  }

  /** Ask for a paint soon. */
  request() {
    if (this.#frame !== 0 || this.#timer !== 0) return;
    // A frame may come a hair early; without the slack a 60 Hz screen would wait for a third one.
    const wait = this.#paintedAt + INTERVAL_MS - 12 - performance.now();
    if (wait > 0) this.#timer = window.setTimeout(this.#askForFrame, wait);
    else this.#askForFrame();
  }

  stop() {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
    this.#frame = 0;
    this.#timer = 0;
  }

  #askForFrame = () => {
    this.#timer = 0;
    this.#frame = requestAnimationFrame(this.#onFrame);
  };

  /** @param {number} time */
  #onFrame = (time) => {
    this.#frame = 0;
    this.#paintedAt = time;
    this.#paint();
  };
}
