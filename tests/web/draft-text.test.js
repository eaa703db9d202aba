import assert from "node:assert/strict";
import { test } from "node:test";

import { holdsBlocks, inOrder, kindOf, parted, rewrite, split, withBlocks } from "../../web/js/lib/block-source.js";
import { firstMarker, numbersIn, withoutUnknown } from "../../web/js/lib/citation-markers.js";
import { sectionAt } from "../../web/js/lib/draft-section.js";
import { kindOfInput } from "../../web/js/lib/input-kind.js";
import { StoredDraft } from "../../web/js/lib/stored-draft.js";

test("a block is cut into what is around it and what it says, and nothing is lost", () => {
  for (const source of ["", "a", "\n \na\nb  \n\n", "    code\n", "\n\n"]) {
    const { lead, body, end } = split(source);
    assert.equal(lead + body + end, source);
  }
  assert.deepEqual(split("\n  a b \n\n"), { lead: "\n", body: "  a b", end: " \n\n" });
});

test("blocks are parted by one blank line, once", () => {
  for (const [source, next] of [["a", "b"], ["a\n", "\nb"], ["a\n\n\n", "b"], ["a", "\nb"], ["a\n\n", "\nb"], ["a", "\n\nb"]]) {
    assert.equal(parted(source, next) + next, "a\n\nb");
  }
});

test("a block that was edited keeps its lines and the blank lines around it", () => {
  const before = { source: "\n* __a__\n* b\n\n\n", written: "- **a**\n- b" };
  assert.deepEqual(rewrite(before, "- **a**\n- c"), { source: "\n* __a__\n- c\n\n\n", isNewKind: false });
  assert.deepEqual(rewrite(before, ""), { source: "", isNewKind: false });
  assert.deepEqual(rewrite({ source: "a\n", written: "a" }, "# a"), { source: "# a\n", isNewKind: true });
  assert.deepEqual(rewrite(undefined, "new"), { source: "new", isNewKind: true });
});

test("a block of a new kind is parted from the one before, past those that are empty", () => {
  const plain = (source) => ({ source, isNewKind: false });
  assert.deepEqual(inOrder([plain("a\n"), plain(""), { source: "- b", isNewKind: true }]), ["a\n\n", "", "- b"]);
  assert.deepEqual(inOrder([plain("a\n"), plain("- b")]), ["a\n", "- b"]);
  assert.deepEqual(inOrder([{ source: "a\n", isNewKind: true }, plain("\nb")]), ["a\n", "\nb"]);
  assert.deepEqual(inOrder([{ source: "a\n", isNewKind: true }, plain("b")]), ["a\n\n", "b"]);
});

test("blocks that meet because what stood between is gone are parted, parts of one list are not", () => {
  const met = (before, source) => inOrder([{ source: before, isNewKind: false }, { source, isNewKind: false, isMoved: true }]).join("");
  assert.equal(met("## a\n", "- b\n"), "## a\n\n- b\n");
  assert.equal(met("> a\n\n", "\n| b |\n"), "> a\n\n| b |\n");
  assert.equal(met("- a\n", "- b\n"), "- a\n- b\n");
  assert.equal(met("- a\n\n", "\n- b\n"), "- a\n- b\n");
  assert.equal(met("| a |\n", "| b |\n"), "| a |\n| b |\n");
});

test("blocks put in the place of one are parted from each other and from what is around them", () => {
  const pieces = ["## a\n", "\nb\n", "\n- c\n"];
  assert.equal(withBlocks(pieces, 1, ["x", "| y |", "z"]).join(""), "## a\n\nx\n\n| y |\n\nz\n\n- c\n");
  assert.equal(withBlocks(pieces, 1, ["- x"]).join(""), "## a\n\n- x\n- c\n");
  assert.equal(withBlocks(["| a |\n", "b"], 1, ["| x |"]).join(""), "| a |\n\n| x |");
});

test("kinds of blocks are told by how they begin", () => {
  assert.equal(kindOf("12. a"), kindOf("3. b"));
  assert.notEqual(kindOf("- a"), kindOf("a"));
  assert.notEqual(kindOf("a\n\nb"), kindOf("a"));
  assert.ok(holdsBlocks("a\n\nb") && holdsBlocks("x\n- y") && !holdsBlocks("a\nb - c"));
});

test("markers are found in the order of the text, and an index is none", () => {
  assert.deepEqual(numbersIn("One [2], two [1][2], a[3], [4](x), [0], 中 [12]."), [2, 1, 12]);
  assert.deepEqual(firstMarker("a [7]"), { at: 2, length: 3, number: 7 });
  assert.equal(firstMarker("a[7]"), null);
  assert.equal(withoutUnknown("One [1] and two [5].", (number) => number === 1), "One [1] and two.");
});

test("a section reaches to the next heading of its level", () => {
  const pieces = ["# Title\n\n", "## A\n\n", "one\n\n", "### part\n\n", "## B\n\n", "## C\n\n", "\ntwo\n"];
  const text = pieces.join("");
  const found = sectionAt(pieces, 2);
  assert.equal(found?.title, "A");
  assert.equal(text.slice(found?.start, found?.end), "one\n\n### part");
  assert.equal(sectionAt(pieces, 0), null);
  assert.equal(sectionAt(pieces, 4), null);
  assert.equal(text.slice(sectionAt(pieces, 6)?.start), "two\n");
});

test("typing is gathered into one step, a new paragraph is a step, what we cannot follow is refused", () => {
  const types = ["insertText", "deleteContentBackward", "insertParagraph", "deleteByCut", "insertFromDrop", "insertHorizontalRule"];
  assert.deepEqual(types.map(kindOfInput), ["typed", "deleted", "other", "other", "refused", "refused"]);
});

test("a citation the server has goes by its number, any other one whole", async () => {
  const asked = [];
  const draft = new StoredDraft("d", async (...call) => asked.push(call));
  const [one, two, other] = [[1, "a"], [2, "b"], [2, "c"]].map(([number, chunk_id]) => ({ number, chunk_id }));
  draft.take({ content: "x [1] [2]\n", citations: [one, two], version: 3 });
  assert.equal(draft.differsFrom(" x [1] [2]"), false);
  await draft.save({ text: "y [1] [2]", citations: [one, other] }, { isAuto: true });
  await draft.merge({ text: "y", citations: [] }, "mine");
  assert.deepEqual(asked[0], ["PATCH", "/api/v1/drafts/d", { body: { content: "y [1] [2]", citations: [1, other], version: 3, autosave: true } }]);
  assert.deepEqual(asked[1][2].body, { base: "x [1] [2]\n", base_citations: [one, two], content: "y", citations: [], prefer: "mine" });
});
