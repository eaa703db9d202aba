/**
 * The event-stream format of the WHATWG HTML standard, section 9.2, without any input or output:
 * bytes go in as they come off the network, whole events come out.
 *
 * Every cut of the input gives the same events. Work is linear in the bytes: a line that arrives in
 * a thousand pieces is scanned once.
 */

/**
 * @typedef {object} SseEvent
 * @property {string} event  the type, "message" when the stream names none
 * @property {string} data   the data lines joined by a line feed
 * @property {string} id     the last event id in force, "" when there was none
 */

export class SseDecoder {
  /** The id a reconnecting client would send. */
  lastEventId = "";
  /** The reconnection time the server asked for in milliseconds. @type {number | null} */
  retryMs = null;

  // A TextDecoder drops one leading byte order mark and keeps a character cut by a chunk.
  #utf8 = new TextDecoder("utf-8");
  /** @type {string[]} */
  #line = [];
  #endedInReturn = false;
  #event = "";
  #id = "";
  /** @type {string[]} */
  #data = [];

  /**
   * Take the next bytes and return the events they complete.
   * @param {Uint8Array} bytes
   * @returns {SseEvent[]}
   */
  feed(bytes) {
    return this.#take(this.#utf8.decode(bytes, { stream: true }));
  }

  /**
   * End the input. An unfinished event is dropped, as the standard asks.
   * @returns {SseEvent[]}
   */
  close() {
    const events = this.#take(this.#utf8.decode());
    this.#line = [];
    this.#data = [];
    return events;
  }

  /** @param {string} text @returns {SseEvent[]} */
  #take(text) {
    if (text === "") return [];
    /** @type {SseEvent[]} */
    const events = [];
    // The second half of a CRLF that a chunk cut in two.
    let start = this.#endedInReturn && text[0] === "\n" ? 1 : 0;
    this.#endedInReturn = text.endsWith("\r");
    const ending = /\r\n|\n|\r/g;
    ending.lastIndex = start;
    for (let match = ending.exec(text); match !== null; match = ending.exec(text)) {
      this.#line.push(text.slice(start, match.index));
      start = ending.lastIndex;
      const event = this.#endLine();
      if (event !== null) events.push(event);
    }
    if (start < text.length) this.#line.push(text.slice(start));
    return events;
  }

  /** @returns {SseEvent | null} the event that an empty line completes */
  #endLine() {
    const line = this.#line.join("");
    this.#line = [];
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return null;
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    this.#setField(name, value);
    return null;
  }

  /** @param {string} name @param {string} value */
  #setField(name, value) {
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#event = value;
    else if (name === "id" && !value.includes("\0")) this.#id = value;
    else if (name === "retry" && /^[0-9]+$/.test(value)) this.retryMs = Number(value);
  }

  /** @returns {SseEvent | null} */
  #dispatch() {
    this.lastEventId = this.#id;
    const lines = this.#data;
    const event = this.#event || "message";
    this.#data = [];
    this.#event = "";
    return lines.length === 0 ? null : { event, data: lines.join("\n"), id: this.#id };
  }
}
