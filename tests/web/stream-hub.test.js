import assert from "node:assert/strict";
import { test } from "node:test";

import { EventStream } from "../../web/js/lib/event-stream.js";
import { countedLines, lockedLines } from "../../web/js/lib/lines.js";
import { SharedStream } from "../../web/js/lib/shared-stream.js";
import { StreamHub } from "../../web/js/lib/stream-hub.js";

const tick = () => new Promise((resolve) => setImmediate(resolve));
const frame = (/** @type {string} */ run, /** @type {number} */ seq, /** @type {string} */ kind, /** @type {object} */ data) =>
  `id: ${run}:${seq}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
const block = (/** @type {number} */ index) => `event: block\ndata: ${JSON.stringify({ index, html: "", end: index })}\n\n`;

/** Two ends of a channel that carries copies, as between threads. */
function channel() {
  /** @returns {any} */
  const end = () => ({ onmessage: null, onclose: null, isClosed: false, close() { this.isClosed = true; } });
  const [tab, worker] = [end(), end()];
  const towards = (/** @type {any} */ other) => (/** @type {any} */ message) => {
    const data = structuredClone(message);
    queueMicrotask(() => other.onmessage?.({ data }));
  };
  tab.postMessage = towards(worker);
  worker.postMessage = towards(tab);
  return { tab, worker };
}

/** A server that writes runs piece by piece and counts who listens. */
class Server {
  /** @type {{run: string, after: number, send: (text: string) => void, cut: () => void, isOpen: boolean}[]} */
  streams = [];
  /** @type {string[]} */ polls = [];
  status = 200;

  fetch = /** @type {any} */ (async (/** @type {string} */ url, /** @type {RequestInit} */ init) => {
    const run = url.split("/")[4];
    if (this.status !== 200) return Response.json({ error: { code: "GONE", message: "It is gone." } }, { status: this.status, headers: { "Retry-After": "3" } });
    if (url.includes("poll=1")) {
      this.polls.push(run);
      return Response.json({ events: [], next: 0, done: false });
    }
    return this.#stream(run, Number(url.split("after=")[1]), init.signal);
  });

  get open() {
    return this.streams.filter(({ isOpen }) => isOpen);
  }

  /** @param {string} run @param {number} after @param {AbortSignal | null | undefined} signal */
  #stream(run, after, signal) {
    /** @type {ReadableStreamDefaultController} */ let controller;
    const body = new ReadableStream({ start: (given) => { controller = given; } });
    const stream = {
      run, after, isOpen: true,
      send: (/** @type {string} */ text) => controller.enqueue(new TextEncoder().encode(text)),
      cut: () => controller.error(new TypeError("network")),
    };
    signal?.addEventListener("abort", () => {
      stream.isOpen = false;
      try { controller.error(signal.reason); } catch { /* it has ended */ }
    });
    this.streams.push(stream);
    stream.send("retry: 1000\n\n");
    return new Response(body, { headers: { "Content-Type": "text/event-stream", "X-Run-Id": run } });
  }
}

/** A hub whose pauses last until `pass` is called. */
function office(server = new Server()) {
  /** @type {Set<() => void>} */ const pending = new Set();
  const env = {
    fetch: server.fetch,
    setTimeout: (/** @type {() => void} */ work, /** @type {number} */ ms) => {
      if (![6_000, 40_000].includes(ms)) pending.add(work);
      return work;
    },
    clearTimeout: (/** @type {() => void} */ work) => void pending.delete(work),
    now: () => 0,
    random: () => 0.5,
  };
  const hub = new StreamHub(env);
  const pass = async () => {
    for (const work of [...pending]) work();
    await tick();
  };
  return { hub, server, pass, pending };
}

/** A tab that follows a run through the hub. @param {StreamHub | null} hub @param {string} run @param {number} [after] */
function tabOf(hub, run, after = 0) {
  const { tab, worker } = channel();
  hub?.connect(worker);
  /** @type {any[]} */ const events = [];
  /** @type {any[]} */ const connections = [];
  /** @type {{work: () => void, ms: number}[]} */ const waits = [];
  /** @type {any[]} */ const alone = [];
  const timers = {
    setTimeout: (/** @type {() => void} */ work, /** @type {number} */ ms) => { waits.push({ work, ms }); return work; },
    clearTimeout: (/** @type {() => void} */ work) => void waits.splice(waits.findIndex((wait) => wait.work === work), 1),
  };
  const openOwn = (/** @type {any} */ source, /** @type {any} */ handlers) => {
    alone.push(source);
    return /** @type {any} */ ({ cursor: 7, run: async () => ({ kind: "ended" }), wake() {}, close() {}, handlers });
  };
  const stream = new SharedStream({ runId: run, after }, {
    onEvent: (event) => events.push(event),
    onConnection: (connection) => connections.push(connection),
  }, { port: tab, openOwn, timers });
  const done = stream.run();
  const seen = () => events.map((event) => event.seq ?? `block ${event.index}`);
  return { stream, done, events, seen, connections, waits, alone, tab, worker };
}

const delta = (/** @type {number} */ seq) => frame("r", seq, "delta", { text: `w${seq} ` });
const end = (/** @type {number} */ seq) => frame("r", seq, "completed", {});

test("two tabs on one run read one stream and see the same", async () => {
  const { hub, server } = office();
  const tabs = [tabOf(hub, "r"), tabOf(hub, "r")];
  await tick();
  assert.equal(server.streams.length, 1);
  server.streams[0].send(delta(1) + block(0) + delta(2));
  await tick();
  server.streams[0].send(end(3));
  for (const { done } of tabs) assert.deepEqual(await done, { kind: "ended" });
  for (const { seen } of tabs) assert.deepEqual(seen(), [1, "block 0", 2, 3]);
  assert.equal(hub.size, 0);
  assert.equal(server.open.length, 0);
});

for (const [after, expected] of /** @type {[number, any[]][]} */ ([[0, [1, "block 0", 2, 3]], [1, ["block 0", 2, 3]], [2, [3]]])) {
  test(`a late tab at ${after} gets everything after its own cursor from what is kept`, async () => {
    const { hub, server } = office();
    tabOf(hub, "r");
    await tick();
    server.streams[0].send(delta(1) + block(0) + delta(2));
    await tick();
    const late = tabOf(hub, "r", after);
    await tick();
    server.streams[0].send(end(3));
    await late.done;
    assert.deepEqual(late.seen(), expected);
    assert.equal(server.streams.length, 1);
  });
}

test("a tab from before what is kept makes the reading start there, and the others see nothing twice", async () => {
  const { hub, server } = office();
  const first = tabOf(hub, "r", 2);
  await tick();
  server.streams[0].send(delta(3));
  await tick();
  const earlier = tabOf(hub, "r", 0);
  await tick();
  assert.deepEqual(server.streams.map(({ after }) => after), [2, 0]);
  assert.equal(server.open.length, 1);
  server.streams[1].send(delta(1) + block(0) + delta(2) + delta(3) + end(4));
  await Promise.all([first.done, earlier.done]);
  assert.deepEqual(first.seen(), [3, 4]);
  assert.deepEqual(earlier.seen(), [1, "block 0", 2, 3, 4]);
});

test("a cut is repaired once for all tabs", async () => {
  const { hub, server, pass } = office();
  const tabs = [tabOf(hub, "r"), tabOf(hub, "r")];
  await tick();
  server.streams[0].send(delta(1) + delta(2).slice(0, 20));
  await tick();
  server.streams[0].cut();
  await tick();
  for (const { connections } of tabs) assert.deepEqual(connections.at(-1), { state: "waiting", attempt: 1, delayMs: 1000 });
  await pass();
  assert.deepEqual(server.streams.map(({ after }) => after), [0, 1]);
  server.streams[1].send(delta(2) + end(3));
  for (const { done, seen } of tabs) {
    await done;
    assert.deepEqual(seen(), [1, 2, 3]);
  }
});

test("a tab that comes while the connection is lost is told so, and its wake tries at once", async () => {
  const { hub, server } = office();
  tabOf(hub, "r");
  await tick();
  server.streams[0].cut();
  await tick();
  const late = tabOf(hub, "r");
  await tick();
  assert.equal(late.connections.at(-1).state, "waiting");
  late.stream.wake();
  await tick();
  assert.equal(server.streams.length, 2);
  assert.equal(late.connections.at(-1).state, "live");
});

test("the last tab to leave ends the reading; the run may be joined again", async () => {
  const { hub, server } = office();
  const [one, two] = [tabOf(hub, "r"), tabOf(hub, "r")];
  await tick();
  one.stream.close();
  assert.deepEqual(await one.done, { kind: "closed" });
  await tick();
  assert.equal(server.open.length, 1);
  two.worker.onclose();
  await tick();
  assert.equal(server.open.length, 0);
  assert.equal(hub.size, 0);
  tabOf(hub, "r", 5);
  await tick();
  assert.deepEqual(server.open.map(({ after }) => after), [5]);
});

test("a page that comes back from the browser's memory goes on where it was", async () => {
  const { hub, server } = office();
  const page = tabOf(hub, "r");
  await tick();
  server.streams[0].send(delta(1));
  await tick();
  page.stream.leave();
  await tick();
  assert.equal(server.open.length, 0);
  page.stream.join();
  await tick();
  server.open[0].send(delta(2) + end(3));
  await page.done;
  assert.deepEqual(page.seen(), [1, 2, 3]);
});

test("a refusal reaches every tab with all that it says", async () => {
  const { hub, server } = office();
  server.status = 404;
  const tabs = [tabOf(hub, "r"), tabOf(hub, "r")];
  for (const { done } of tabs) {
    const { kind, error } = /** @type {any} */ (await done);
    assert.equal(kind, "refused");
    const { name, message, status, code, retryAfterS } = error;
    assert.deepEqual([name, message, status, code, retryAfterS], ["ApiError", "It is gone.", 404, "GONE", 3]);
  }
  assert.equal(hub.size, 0);
});

test("eight runs hold four streams, the others are polled one after the other", async () => {
  const { hub, server, pass } = office();
  const tabs = Array.from({ length: 8 }, (_, i) => tabOf(hub, `r${i}`));
  await tick();
  await tick();
  assert.equal(server.open.length, 4);
  assert.deepEqual(server.polls.sort(), ["r4", "r5", "r6", "r7"]);
  tabs[0].stream.close();
  await tick();
  await pass();
  await pass();
  assert.equal(server.open.length, 4);
  for (const { stream } of tabs) stream.close();
  await tick();
  assert.equal(server.open.length, 0);
});

test("a worker that does not answer is done without", async () => {
  const silent = tabOf(null, "r", 3);
  await tick();
  assert.deepEqual(silent.waits.map(({ ms }) => ms), [8_000]);
  silent.waits[0].work();
  assert.deepEqual(await silent.done, { kind: "ended" });
  assert.deepEqual(silent.alone, [{ runId: "r", after: 3 }]);
  assert.equal(silent.stream.cursor, 7);
});

test("a worker that dies is missed within half a minute, and the tab goes on from its cursor", async () => {
  const { hub, server } = office();
  const page = tabOf(hub, "r");
  await tick();
  server.streams[0].send(delta(1));
  await tick();
  page.worker.onmessage = null;
  const [{ ms, work }] = page.waits;
  assert.equal(ms, 20_000);
  work();
  await tick();
  assert.equal(page.waits[0].ms, 8_000);
  page.waits[0].work();
  await page.done;
  assert.deepEqual(page.alone, [{ runId: "r", after: 1 }]);
});

test("a worker that cannot be started is done without at once", async () => {
  const page = tabOf(null, "r");
  page.stream.standAlone();
  await page.done;
  assert.deepEqual(page.alone, [{ runId: "r", after: 0 }]);
});

test("an endless run keeps no more than its recent events", async () => {
  const { hub, server } = office();
  const first = tabOf(hub, "r");
  await tick();
  const count = 25_000;
  for (let seq = 1; seq <= count; seq += 1000) {
    server.streams[0].send(Array.from({ length: 1000 }, (_, i) => delta(seq + i)).join(""));
    await tick();
  }
  assert.equal(first.seen().length, count);
  tabOf(hub, "r", count - 10);
  await tick();
  assert.equal(server.streams.length, 1);
  tabOf(hub, "r", 5);
  await tick();
  assert.deepEqual(server.streams.map(({ after }) => after), [0, 5]);
});

test("a line that was given back is free again", async () => {
  const lines = countedLines();
  const taken = await Promise.all(Array.from({ length: 5 }, () => lines.take()));
  assert.equal(taken.filter((line) => line === null).length, 1);
  taken[0]?.();
  assert.notEqual(await lines.take(), null);
});

test("tabs without a worker share four lines by locks", async () => {
  /** @type {Set<string>} */ const held = new Set();
  const locks = /** @type {any} */ ({
    async request(/** @type {string} */ name, /** @type {any} */ options, /** @type {any} */ work) {
      if (held.has(name)) return work(null);
      held.add(name);
      try { return await work({ name }); } finally { held.delete(name); }
    },
  });
  const tabs = Array.from({ length: 5 }, () => lockedLines(locks));
  const taken = [];
  for (const lines of tabs) taken.push(await lines.take());
  assert.deepEqual(taken.map((line) => line === null), [false, false, false, false, true]);
  taken[2]?.();
  await tick();
  assert.notEqual(await tabs[4].take(), null);
});

test("an event stream gives its line back however it ends", async () => {
  for (const way of ["end", "close", "refusal"]) {
    const server = new Server();
    if (way === "refusal") server.status = 404;
    let taken = 0;
    const lines = { take: async () => { taken += 1; return () => { taken -= 1; }; }, poll: (/** @type {any} */ work) => work() };
    const stream = new EventStream({ runId: "r" }, { onEvent() {} }, { fetch: server.fetch, lines });
    const done = stream.run();
    await tick();
    if (way === "end") server.streams[0].send(end(1));
    if (way === "close") stream.close();
    await done;
    assert.equal(taken, 0, way);
  }
});
