import assert from "node:assert/strict";
import { test } from "node:test";

import { bodyOf, requestOf, secretOf } from "../../web/js/lib/form-body.js";

test("empty fields are left out, switches and numbers keep their kind", () => {
  const fields = [
    { name: "name", value: "x" },
    { name: "kb_id", value: "" },
    { name: "days", value: "90", isNumber: true },
    { name: "is_admin", value: "on", isSwitch: true, isOn: false },
  ];
  assert.deepEqual(bodyOf(fields), { name: "x", days: 90, is_admin: false });
});

test("a choice says under which name the name is sent", () => {
  const fields = [
    { name: "holder", value: "group", names: ["username", "group"] },
    { name: "name", value: "Sales" },
    { name: "level", value: "READ" },
  ];
  assert.deepEqual(bodyOf(fields), { group: "Sales", level: "READ" });
});

test("an element names a method and a path", () => {
  assert.deepEqual(requestOf("DELETE /api/v1/auth/keys/1"), { method: "DELETE", path: "/api/v1/auth/keys/1" });
});

test("a key, a link and an invitation are shown once, other answers not at all", () => {
  assert.equal(secretOf({ key: "fnk_1" })?.secret, "fnk_1");
  assert.equal(secretOf({ link: "/login?link=1" })?.title, "A link that signs in once");
  assert.equal(secretOf({ link: "/register?invite=1", invite: "1" })?.title, "An invitation");
  assert.equal(secretOf({ id: 1 }), null);
  assert.equal(secretOf(null), null);
});
