/** Paints at most thirty times a second, however many events arrive. */

const INTERVAL_MS = 33;

export class Painter {
  #paint;
  #frame = 0;
  #paintedAt = -Infinity;

  /** @param {() => void} paint */
  constructor(paint) {
    this.#paint = paint;
  }

  /** Ask for a paint soon. */
  request() {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(this.#onFrame);
  }

  stop() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  /** @param {number} time */
  #onFrame = (time) => {
    // A frame may come a hair early; without the slack a 60 Hz screen would wait for a third one.
    if (time - this.#paintedAt < INTERVAL_MS - 4) {
      this.#frame = requestAnimationFrame(this.#onFrame);
      return;
    }
    this.#frame = 0;
    this.#paintedAt = time;
    this.#paint();
  };
}
