/** Lets only the latest of several answers through, after a moment of quiet. */

/**
 * @template Q, A
 */
export class Latest {
  #ask;
  #onAnswer;
  #delayMs;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {AbortController | null} */
  #controller = null;

  /**
   * @param {(question: Q, signal: AbortSignal) => Promise<A>} ask
   * @param {(answer: A | null, error: unknown) => void} onAnswer  null with an error
   * @param {number} [delayMs]
   */
  constructor(ask, onAnswer, delayMs = 120) {
    this.#ask = ask;
    this.#onAnswer = onAnswer;
    this.#delayMs = delayMs;
  }

  /** Ask, unless something else is asked within the delay. @param {Q} question */
  ask(question) {
    this.stop();
    this.#timer = setTimeout(() => this.#send(question), this.#delayMs);
  }

  /** Whatever is under way no longer matters. */
  stop() {
    clearTimeout(this.#timer);
    this.#controller?.abort();
    this.#controller = null;
  }

  /** @param {Q} question */
  async #send(question) {
    const controller = new AbortController();
    this.#controller = controller;
    try {
      const answer = await this.#ask(question, controller.signal);
      if (!controller.signal.aborted) this.#onAnswer(answer, null);
    } catch (error) {
      if (!controller.signal.aborted) this.#onAnswer(null, error);
    }
  }
}
