/** What an `inputType` means for the steps of undo: some are gathered, some are a step of their own. */

const SINGLE = /^(insert(Paragraph|LineBreak|FromComposition|ReplacementText|OrderedList|UnorderedList)|delete(?!ByDrag)|format(Bold|Italic|StrikeThrough|Block|Indent|Outdent))/;

/** @param {string} type @returns {"typed" | "deleted" | "other" | "refused"} */
export function kindOfInput(type) {
  if (type.startsWith("insertText") || type.startsWith("insertComposition")) return "typed";
  if (type === "deleteContentBackward" || type === "deleteContentForward") return "deleted";
  return SINGLE.test(type) || type === "" ? "other" : "refused";
}
