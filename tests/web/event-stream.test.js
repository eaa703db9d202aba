import assert from "node:assert/strict";
import { test } from "node:test";

import { EventStream } from "../../web/js/lib/event-stream.js";
import { isSignedOut } from "../../web/js/lib/run-requests.js";

const RUN = "run-1";
// How long a connection is waited for: no test gives one up unless it means to.
const WATCHING = new Set([6_000, 40_000]);
const encode = (/** @type {string} */ text) => new TextEncoder().encode(text);

/** @param {number} seq @param {string} kind @param {object} data */
const frame = (seq, kind, data = {}) => `id: ${RUN}:${seq}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
const delta = (/** @type {number} */ seq) => frame(seq, "delta", { text: `w${seq} ` });
const completed = (/** @type {number} */ seq) => frame(seq, "completed");

/**
 * A body that sends its chunks and then ends, breaks or stays open.
 * @param {(string | Uint8Array)[]} chunks
 * @param {{end?: "close" | "error" | "hang", signal?: AbortSignal | null}} [options]
 */
function bodyOf(chunks, { end = "close", signal } = {}) {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(typeof chunk === "string" ? encode(chunk) : chunk);
      if (end === "close") controller.close();
      if (end === "error") controller.error(new TypeError("network"));
      signal?.addEventListener("abort", () => controller.error(signal.reason));
    },
  });
}

/** @param {(string | Uint8Array)[]} chunks @param {{end?: "close" | "error" | "hang"}} [options] */
const stream = (chunks, options) => (/** @type {RequestInit} */ init) =>
  new Response(bodyOf(chunks, { ...options, signal: init.signal }), {
    headers: { "Content-Type": "text/event-stream; charset=utf-8", "X-Run-Id": RUN, "X-Draft-Id": "draft-1" },
  });
const refuse = (/** @type {number} */ status, /** @type {Record<string, string>} */ headers = {}) => () =>
  new Response(JSON.stringify({ error: { code: "SOME_CODE", message: "A plain sentence." } }), { status, headers });
const networkDown = () => Promise.reject(new TypeError("fetch failed"));

/**
 * A stream whose network is a queue of answers and whose clock stands still until it is asked.
 * @param {((init: RequestInit, url: string) => any)[]} answers
 * @param {{after?: number, request?: any, timers?: boolean, lines?: any}} [options]
 */
function scripted(answers, { after = 0, request, timers = true, lines } = {}) {
  /** @type {any[]} */ const events = [];
  /** @type {{url: string, init: any}[]} */ const calls = [];
  /** @type {any[]} */ const connections = [];
  /** @type {{work: () => void, ms: number}[]} */ const pending = [];
  /** @type {any[]} */ const logged = [];
  const clock = { now: 0 };
  const env = {
    fetch: /** @type {any} */ (async (/** @type {string} */ url, /** @type {RequestInit} */ init) => {
      calls.push({ url, init });
      return await /** @type {any} */ (answers.shift() ?? networkDown)(init, url);
    }),
    setTimeout: (/** @type {() => void} */ work, /** @type {number} */ ms) => {
      const timer = { work, ms };
      pending.push(timer);
      if (timers && !WATCHING.has(ms)) queueMicrotask(work);
      return timer;
    },
    clearTimeout: (/** @type {any} */ timer) => {
      const at = pending.indexOf(timer);
      if (at >= 0) pending.splice(at, 1);
    },
    now: () => clock.now,
    random: () => 0.5,
    ...(lines === undefined ? {} : { lines }),
  };
  const source = request === undefined ? { runId: RUN, after } : { request };
  const reader = new EventStream(source, {
    onEvent: (event) => events.push(event),
    onConnection: (connection) => connections.push(connection),
    log: (...args) => logged.push(args),
  }, env);
  return { reader, events, calls, connections, pending, logged, clock };
}

const seqs = (/** @type {any[]} */ events) => events.map((event) => event.seq);
const tick = () => new Promise((resolve) => setImmediate(resolve));

test("a run is read to its terminal event", async () => {
  const { reader, events, calls } = scripted([stream([frame(1, "started"), delta(2), completed(3)])]);
  assert.deepEqual(await reader.run(), { kind: "ended" });
  assert.deepEqual(seqs(events), [1, 2, 3]);
  assert.equal(calls[0].url, `/api/v1/runs/${RUN}/events?after=0`);
});

test("a cut at every byte ends with the same events", async () => {
  const bytes = encode([frame(1, "started"), delta(2), frame(3, "delta", { text: "é[1] " }), completed(4)].join(""));
  const all = [{ seq: 1, event: "started" }, polled(2), polled(3), { seq: 4, event: "completed" }];
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const { reader, events } = scripted([
      stream([bytes.subarray(0, cut)], { end: cut % 2 ? "close" : "error" }),
      // The server sends more than asked for: what is known already must be dropped.
      (init, url) => (url.includes("poll=1") ? page(all)() : stream([bytes])(init)),
    ]);
    await reader.run();
    assert.deepEqual(seqs(events), [1, 2, 3, 4], `cut at ${cut}`);
  }
});

test("a reconnect asks for what follows the last event applied", async () => {
  const { reader, calls } = scripted([stream([delta(6), delta(7)]), stream([completed(8)])], { after: 5 });
  await reader.run();
  assert.deepEqual(calls.map(({ url }) => url.split("=")[1]), ["5", "7"]);
});

test("waits grow 1, 2, 4, 8, 16, 30, 30 seconds while nothing answers", async () => {
  const { reader, connections } = scripted([...Array(7).fill(networkDown), stream([completed(1)])]);
  await reader.run();
  const waits = connections.filter(({ state }) => state === "waiting");
  assert.deepEqual(waits.map(({ attempt }) => attempt), [1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(waits.map(({ delayMs }) => delayMs), [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
});

test("waits start anew after an event came through", async () => {
  const { reader, connections } = scripted([networkDown, networkDown, stream([delta(1)]), stream([completed(2)])]);
  await reader.run();
  const waits = connections.filter(({ state }) => state === "waiting");
  assert.deepEqual(waits.map(({ delayMs }) => delayMs), [1000, 2000, 1000]);
});

test("a connection that opens but brings nothing does not reset the waits", async () => {
  const broken = stream([": hb\n\n"], { end: "error" });
  const { reader, connections } = scripted([broken, broken, stream([completed(1)])]);
  await reader.run();
  const waits = connections.filter(({ state }) => state === "waiting");
  assert.deepEqual(waits.map(({ attempt }) => attempt), [1, 2]);
});

test("a stream that ends without an event is asked by a poll whether there will be any", async () => {
  const { reader, calls } = scripted([stream(["retry: 1000\n\n"]), page([], true)]);
  const outcome = /** @type {any} */ (await reader.run());
  assert.equal(outcome.error.code, "RUN_OVER");
  assert.deepEqual(modes(calls), ["stream", "poll"]);
});

test("Retry-After of a busy server is obeyed", async () => {
  const { reader, connections } = scripted([refuse(503, { "Retry-After": "7" }), stream([completed(1)])]);
  await reader.run();
  assert.equal(connections.find(({ state }) => state === "waiting").delayMs, 7000);
});

for (const status of [404, 409, 410]) {
  test(`status ${status} ends the reading with its sentence`, async () => {
    const { reader } = scripted([refuse(status)]);
    const outcome = /** @type {any} */ (await reader.run());
    assert.equal(outcome.kind, "refused");
    assert.equal(outcome.error.status, status);
    assert.equal(outcome.error.message, "A plain sentence.");
  });
}

test("a lost session is said in words", async () => {
  const outcome = /** @type {any} */ (await scripted([refuse(401)]).reader.run());
  assert.match(outcome.error.message, /^You are signed out\. The text here is kept\./);
  assert.ok(isSignedOut(outcome.error));
});

const signInPage = () => new Response("<html>", { headers: { "Content-Type": "text/html" } });
const redirect = () => ({ type: "opaqueredirect", ok: false, status: 0, headers: new Headers() });
for (const [name, answer] of /** @type {[string, () => any][]} */ ([["sign-in page", signInPage], ["redirect to its sign-in page", redirect]])) {
  test(`a proxy's ${name} is not taken for a stream`, async () => {
    const { reader, calls } = scripted([stream([delta(1)]), answer]);
    const outcome = /** @type {any} */ (await reader.run());
    assert.equal(outcome.kind, "refused");
    assert.match(outcome.error.message, /proxy may have signed you out/);
    assert.ok(isSignedOut(outcome.error));
    assert.equal(reader.cursor, 1);
    assert.equal(calls[1].init.redirect, "manual");
  });
}

test("events that come twice are applied once", async () => {
  const { reader, events } = scripted([stream([delta(1), delta(1), delta(2), delta(1), completed(3)])]);
  await reader.run();
  assert.deepEqual(seqs(events), [1, 2, 3]);
});

test("a hole is fetched again at once", async () => {
  const { reader, events, connections } = scripted([
    stream([delta(1), delta(3)]),
    stream([delta(2), delta(3), completed(4)]),
  ]);
  await reader.run();
  assert.deepEqual(seqs(events), [1, 2, 3, 4]);
  assert.ok(connections.every(({ state }) => state !== "waiting"));
});

test("a hole that stays a hole is accepted", async () => {
  const { reader, events } = scripted([stream([delta(1), delta(3)]), stream([delta(3), completed(4)])]);
  await reader.run();
  assert.deepEqual(seqs(events), [1, 3, 4]);
});

test("a malformed frame is logged, and fetched again since its place is missing", async () => {
  const broken = `id: ${RUN}:2\nevent: delta\ndata: {"text": oops\n\n`;
  const { reader, events, logged } = scripted([
    stream([delta(1), broken, delta(3)]),
    stream([delta(2), delta(3), completed(4)]),
  ]);
  await reader.run();
  assert.deepEqual(seqs(events), [1, 2, 3, 4]);
  assert.ok(logged.some(([text]) => text === "skipped a malformed frame"));
});

test("a malformed frame without a place is skipped", async () => {
  const { reader, events } = scripted([stream([delta(1), "data: {nonsense\n\n", "data: null\n\n", delta(2), completed(3)])]);
  await reader.run();
  assert.deepEqual(seqs(events), [1, 2, 3]);
});

test("an event of another run is skipped", async () => {
  const { reader, events } = scripted([stream([`id: other:1\nevent: delta\ndata: {"text":"x"}\n\n`, completed(1)])]);
  await reader.run();
  assert.deepEqual(events.map(({ event }) => event), ["completed"]);
});

test("derived events pass without moving the cursor", async () => {
  const block = `event: block\ndata: {"index":0,"html":"<p>a</p>","end":3}\n\n`;
  const { reader, events } = scripted([stream([delta(1), block, delta(2), "event: caught_up\ndata: {}\n\n", completed(3)])]);
  await reader.run();
  assert.deepEqual(events.map(({ event }) => event), ["delta", "block", "delta", "caught_up", "completed"]);
  assert.equal(reader.cursor, 3);
});

test("a silent connection is given up after 40 seconds and opened again", async () => {
  const { reader, pending, events } = scripted([stream([delta(1)], { end: "hang" }), stream([completed(2)])]);
  const running = reader.run();
  await tick();
  const watchdogs = pending.filter(({ ms }) => ms === 40_000);
  assert.equal(watchdogs.length, 1);
  watchdogs[0].work();
  assert.deepEqual(await running, { kind: "ended" });
  assert.deepEqual(seqs(events), [1, 2]);
});

test("waking up ends the wait at once", async () => {
  const { reader, pending, calls } = scripted([networkDown, stream([completed(1)])], { timers: false });
  const running = reader.run();
  await tick();
  assert.equal(calls.length, 1);
  assert.deepEqual(pending.map(({ ms }) => ms), [1000]);
  reader.wake();
  assert.deepEqual(await running, { kind: "ended" });
  assert.deepEqual(pending, []);
});

test("waking up leaves a connection that is alive, and drops one that is silent", async () => {
  const { reader, calls, clock } = scripted([stream([delta(1)], { end: "hang" }), stream([completed(2)])]);
  const running = reader.run();
  await tick();
  reader.wake();
  await tick();
  assert.equal(calls.length, 1);
  clock.now = 30_000;
  reader.wake();
  assert.deepEqual(await running, { kind: "ended" });
});

test("closing ends the reading and leaves no timer behind", async () => {
  const { reader, pending } = scripted([stream([delta(1)], { end: "hang" })]);
  const running = reader.run();
  await tick();
  reader.close();
  assert.deepEqual(await running, { kind: "closed" });
  assert.deepEqual(pending, []);
});

test("a lost reply to a POST is asked for again with the same key, then read by cursor", async () => {
  const request = { url: "/api/v1/generate?dialect=native", body: { kb_id: "k" }, idempotencyKey: "key-1" };
  const { reader, calls, events } = scripted([networkDown, stream([delta(1)]), stream([completed(2)])], { request });
  await reader.run();
  assert.deepEqual(calls.map(({ init }) => init.method ?? "GET"), ["POST", "POST", "GET"]);
  assert.deepEqual(calls.slice(0, 2).map(({ init }) => init.headers["Idempotency-Key"]), ["key-1", "key-1"]);
  assert.deepEqual(seqs(events), [1, 2]);
});

test("a refused POST is not repeated", async () => {
  const request = { url: "/api/v1/generate", body: {}, idempotencyKey: "key-1" };
  const { reader, calls } = scripted([refuse(429, { "Retry-After": "3" })], { request });
  const outcome = /** @type {any} */ (await reader.run());
  assert.equal(outcome.error.retryAfterS, 3);
  assert.equal(calls.length, 1);
});

/** @param {any[]} events @param {boolean} [done] */
const page = (events, done = false) => () => Response.json({ events, next: 0, done });
const polled = (/** @type {number} */ seq) => ({ seq, event: "delta", text: `w${seq} ` });
const held = (/** @type {RequestInit} */ init) => new Promise((_, reject) => init.signal?.addEventListener("abort", () => reject(init.signal?.reason)));
const modes = (/** @type {{url: string}[]} */ calls) => calls.map(({ url }) => /poll=1/.test(url) ? "poll" : "stream");

/** @param {{work: () => void, ms: number}[]} pending */
async function lateFirstByte(pending) {
  await tick();
  pending.find(({ ms }) => ms === 6_000)?.work();
}

for (const [name, answer] of /** @type {[string, (init: any) => any][]} */ ([["headers come", stream([], { end: "hang" })], ["nothing comes", held]])) {
  test(`a stream of which ${name} but no byte is polled instead`, async () => {
    const { reader, events, calls, connections, pending } = scripted([
      answer,
      page([polled(1), { event: "block", index: 0, html: "", end: 3 }, polled(2)]),
      page([]),
      page([polled(2), polled(3), { seq: 4, event: "completed" }]),
    ]);
    const running = reader.run();
    await lateFirstByte(pending);
    assert.deepEqual(await running, { kind: "ended" });
    assert.deepEqual(events.map(({ event, seq }) => seq ?? event), [1, "block", 2, 3, 4]);
    assert.deepEqual(modes(calls), ["stream", "poll", "poll", "poll"]);
    assert.deepEqual(calls.map(({ url }) => url.split("after=")[1]), ["0", "0", "2", "2"]);
    assert.ok(connections.every(({ state }) => state !== "waiting"));
    assert.deepEqual(pending, []);
  });
}

test("a poll that fails too is a lost network, and streaming is tried again", async () => {
  const { reader, calls, connections, pending } = scripted([held, networkDown, stream([completed(1)])]);
  const running = reader.run();
  await lateFirstByte(pending);
  assert.deepEqual(await running, { kind: "ended" });
  assert.deepEqual(modes(calls), ["stream", "poll", "stream"]);
  assert.deepEqual(connections.filter(({ state }) => state === "waiting").map(({ attempt }) => attempt), [1]);
});

test("a connection refused at once is no reason to poll", async () => {
  const { reader, calls } = scripted([networkDown, stream([completed(1)])]);
  await reader.run();
  assert.deepEqual(modes(calls), ["stream", "stream"]);
});

test("a run without a free line is polled until one is free", async () => {
  const free = [null, null, () => {}];
  const lines = { take: async () => free.shift(), poll: (/** @type {() => any} */ work) => work() };
  const { reader, calls, events } = scripted([page([polled(1)]), page([polled(2)]), stream([completed(3)])], { lines });
  assert.deepEqual(await reader.run(), { kind: "ended" });
  assert.deepEqual(modes(calls), ["poll", "poll", "stream"]);
  assert.deepEqual(seqs(events), [1, 2, 3]);
});

test("waking up while a poll is under way asks once more at once", async () => {
  /** @type {(response: Response) => void} */ let answer = () => {};
  const slow = () => new Promise((resolve) => { answer = resolve; });
  const lines = { take: async () => null, poll: (/** @type {() => any} */ work) => work() };
  const { reader, pending, calls } = scripted([slow, page([{ seq: 1, event: "cancelled" }])], { lines, timers: false });
  const running = reader.run();
  await tick();
  reader.wake();
  answer(page([])());
  assert.deepEqual(await running, { kind: "ended" });
  assert.equal(calls.length, 2);
  assert.deepEqual(pending, []);
});

test("a hole in a poll is asked for again", async () => {
  const lines = { take: async () => null, poll: (/** @type {() => any} */ work) => work() };
  const { reader, events } = scripted([page([polled(1), polled(3)]), page([polled(2), polled(3), { seq: 4, event: "cancelled" }])], { lines });
  await reader.run();
  assert.deepEqual(seqs(events), [1, 2, 3, 4]);
});

test("a poll of a run that is over and has nothing more ends the reading", async () => {
  const lines = { take: async () => null, poll: (/** @type {() => any} */ work) => work() };
  const outcome = /** @type {any} */ (await scripted([page([], true)], { lines }).reader.run());
  assert.equal(outcome.error.code, "RUN_OVER");
});

test("a start whose answer is held back asks for the ids alone, with the same key", async () => {
  const request = { url: "/api/v1/generate?dialect=native", body: {}, idempotencyKey: "key-1" };
  const accepted = () => Response.json({ run_id: RUN, draft_id: "d" }, { status: 202 });
  const { reader, calls, events, pending } = scripted([held, accepted, page([polled(1), { seq: 2, event: "completed" }])], { request });
  const running = reader.run();
  await lateFirstByte(pending);
  assert.deepEqual(await running, { kind: "ended" });
  assert.deepEqual(calls.map(({ init }) => init.headers.Prefer), [undefined, "respond-async", undefined]);
  assert.deepEqual(calls.slice(0, 2).map(({ init }) => init.headers["Idempotency-Key"]), ["key-1", "key-1"]);
  assert.deepEqual(seqs(events), [1, 2]);
});
