import assert from "node:assert/strict";
import { test } from "node:test";

import { hearVersions, tellVersion } from "../../web/js/lib/versions.js";

const answer = (/** @type {Record<string, string>} */ headers) => new Response("", { headers });

test("the version of an answer is heard by every page", { timeout: 5_000 }, async () => {
  const life = new AbortController();
  const heard = new Promise((resolve) => hearVersions(resolve, life.signal));
  tellVersion(answer({ "X-Footnote-Version": "abc" }));
  assert.equal(await heard, "abc");
  life.abort();
});

test("an answer of somebody else says nothing", { timeout: 5_000 }, async () => {
  const life = new AbortController();
  const heard = new Promise((resolve) => hearVersions(resolve, life.signal));
  tellVersion(answer({}));
  tellVersion(answer({ "X-Footnote-Version": "next" }));
  assert.equal(await heard, "next");
  life.abort();
});
