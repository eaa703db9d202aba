import assert from "node:assert/strict";
import { test } from "node:test";

import { clockFinding, proxyFindings } from "../../web/js/lib/doctor.js";

test("clocks that agree within the time of the question are well", () => {
  assert.equal(clockFinding(1_500, 1_000, 2_000).found, "0 s apart");
  assert.equal(clockFinding(62_000, 1_000, 2_000).is_well, true);
});

test("clocks more than a minute apart are not", () => {
  assert.equal(clockFinding(63_000, 1_000, 2_000).is_well, false);
  assert.equal(clockFinding(0, 61_001, 61_500).found, "61 s apart");
  assert.equal(clockFinding(0, 61_001, 61_500).is_well, false);
});

test("pieces that come apart are well, together they are held back", () => {
  assert.deepEqual(proxyFindings([0, 200, 400, 600, 800], null).map((one) => one.is_well), [true, true]);
  assert.equal(proxyFindings([800, 800, 801], null)[0].is_well, false);
  assert.equal(proxyFindings([], null)[0].is_well, false);
});

test("a compressed stream is told", () => {
  assert.equal(proxyFindings([0, 800], "gzip")[1].is_well, false);
  assert.match(proxyFindings([0, 800], "gzip")[1].found, /gzip/);
  assert.equal(proxyFindings([0, 800], "identity")[1].is_well, true);
});
