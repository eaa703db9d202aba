import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { SseDecoder } from "../../web/js/lib/sse-decoder.js";

const VECTORS = new URL("../../../shared/data/sse_vectors.json", import.meta.url);
const vectors = existsSync(VECTORS) ? JSON.parse(readFileSync(VECTORS, "utf8")) : [];
const encode = (/** @type {string} */ text) => new TextEncoder().encode(text);

/** @param {Uint8Array[]} chunks */
function decode(chunks) {
  const decoder = new SseDecoder();
  const events = chunks.flatMap((chunk) => decoder.feed(chunk));
  events.push(...decoder.close());
  return { events, retry: decoder.retryMs, lastEventId: decoder.lastEventId };
}

for (const vector of vectors) {
  const bytes = new Uint8Array(Buffer.from(vector.input_bytes_base64, "base64"));
  const expected = {
    events: vector.expected_events,
    retry: vector.expected_retry,
    lastEventId: vector.expected_last_event_id,
  };

  test(`${vector.name} decodes whole`, () => assert.deepEqual(decode([bytes]), expected));

  test(`${vector.name} decodes byte by byte`, () => {
    assert.deepEqual(decode([...bytes].map((byte) => Uint8Array.of(byte))), expected);
  });

  test(`${vector.name} decodes at every split`, () => {
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)];
      assert.deepEqual(decode(chunks), expected, `cut at ${cut}`);
    }
  });
}

test("an empty chunk between the halves of a CRLF changes nothing", () => {
  const chunks = [encode("data: a\r"), new Uint8Array(), encode("\n\r\ndata: b\n\n")];
  assert.deepEqual(decode(chunks).events.map((event) => event.data), ["a", "b"]);
});

test("a line in a hundred thousand pieces costs linear time", () => {
  const decoder = new SseDecoder();
  const piece = encode("abcdefghij");
  decoder.feed(encode("data: "));
  for (let i = 0; i < 100_000; i += 1) decoder.feed(piece);
  const [event] = decoder.feed(encode("\n\n"));
  assert.equal(event.data.length, 1_000_000);
});
