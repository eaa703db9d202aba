import assert from "node:assert/strict";
import { test } from "node:test";

import { auditPath, inWords } from "../../web/js/lib/audit.js";

test("a filter asks only for what was filled in, and for what is older", () => {
  assert.equal(auditPath({ user: "", action: "" }, null), "/api/v1/admin/audit");
  assert.equal(auditPath({ user: "a&b", action: "" }, 7), "/api/v1/admin/audit?user=a%26b&before=7");
});

test("an entry reads as words", () => {
  const entry = { at: "2026-01-31T10:11:12.131415+00:00", action: "sign_in_failed", username: "ann", subject: "s", detail: "d" };
  assert.deepEqual(inWords(entry), { at: "2026-01-31 10:11:12", user: "ann", action: "Sign in failed", what: "d · s" });
});

test("an entry of nobody has an empty name", () => {
  assert.equal(inWords({ user_id: null, action: "shared" }).user, "");
});
