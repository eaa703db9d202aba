/**
 * What the page shows of a block, written as Markdown again: the way back from the server's renderer.
 * What has no way back (an image, an entity) the caller can tell by its letters, see `isWritable`.
 */

/** The names of elements that stand for themselves, all others are words of a paragraph. */
export const BLOCKS = new Set(["P", "H1", "H2", "H3", "H4", "H5", "H6", "UL", "OL", "BLOCKQUOTE", "PRE", "HR", "TABLE", "DIV", "SECTION", "ARTICLE"]);
const INSIDE = [...BLOCKS].join();
const LINE_START = /^(#{1,6}(?=\s|$)|[-+](?=\s|$)|>|=+\s*$|-{2,}\s*$|~{3})/;
const NUMBER_START = /^(\d{1,9})([.)])(?=\s|$)/;

/** The blocks inside an element. @param {Node} element @returns {string} without an end of line */
export function markdownOf(element) {
  /** @type {string[]} */
  const parts = [];
  /** @type {Node[]} */
  let loose = [];
  const flush = () => {
    const text = paragraph(loose);
    if (text !== "") parts.push(text);
    loose = [];
  };
  for (const child of element.childNodes) {
    if (!isBlock(child)) {
      loose.push(child);
      continue;
    }
    flush();
    const text = block(/** @type {HTMLElement} */ (child));
    if (text !== "") parts.push(text);
  }
  flush();
  return parts.join("\n\n");
}

/** Some programs copy their paragraphs inside of an element for words. @param {Node} node */
function isBlock(node) {
  return BLOCKS.has(node.nodeName) || (node instanceof Element && node.querySelector(INSIDE) !== null);
}

/** Whether no letter of a source is lost when it is written anew. @param {string} source @param {string} written */
export function isWritable(source, written) {
  return letters(source) === letters(written);
}

/** @param {string} text */
function letters(text) {
  return text.replace(/[^\p{L}]+/gu, "");
}

/** @param {HTMLElement} element @returns {string} */
function block(element) {
  const name = element.nodeName;
  if (element.matches(".unformatted, .block-source")) return raw(element);
  if (name === "HR") return "---";
  if (name === "PRE") return fence(element);
  if (name === "UL" || name === "OL") return list(element);
  if (name === "TABLE") return table(/** @type {HTMLTableElement} */ (element));
  if (name === "BLOCKQUOTE") return prefixed(markdownOf(element), "> ", "> ");
  if (/^H[1-6]$/.test(name)) return heading(element, Number(name[1]));
  return name === "P" ? paragraph(Array.from(element.childNodes)) : markdownOf(element);
}

/** @param {HTMLElement} element @param {number} level */
function heading(element, level) {
  const text = oneLine(element);
  return text === "" ? "" : `${"#".repeat(level)} ${text.replace(/(#+)$/, "\\$1")}`;
}

/** @param {Node[]} nodes */
function paragraph(nodes) {
  const lines = inline(nodes).replace(/(?:\\\n|\s)+$/, "").split("\n");
  return lines.map((line) => guard(line.trimStart())).join("\n").trim();
}

/** Keep a line of prose from being read as something else. @param {string} line */
function guard(line) {
  return line.replace(LINE_START, "\\$1").replace(NUMBER_START, "$1\\$2");
}

/** @param {HTMLElement} pre */
function fence(pre) {
  const language = /language-(\S+)/.exec(pre.querySelector("code")?.className ?? "")?.[1] ?? "";
  const text = raw(pre);
  const longest = Math.max(2, ...Array.from(text.matchAll(/^ {0,3}(`+)/gm), (match) => match[1].length));
  const mark = "`".repeat(longest + 1);
  return `${mark}${language}\n${text}\n${mark}`;
}

/** Letters that stand for themselves; the last end of line only closes the box. @param {Node} element */
function raw(element) {
  return letterByLetter(element).replace(/\n$/, "");
}

/** @param {Node} node @returns {string} */
function letterByLetter(node) {
  if (node.nodeName === "BR") return "\n";
  return node.nodeType === Node.TEXT_NODE ? (node.nodeValue ?? "") : Array.from(node.childNodes, letterByLetter).join("");
}

/** @param {HTMLElement} element */
function list(element) {
  const items = Array.from(element.children).filter(({ nodeName }) => nodeName === "LI");
  const isLoose = items.some((item) => item.querySelector(":scope > p") !== null);
  const first = Number(element.getAttribute("start") ?? 1);
  const written = items.map((item, i) => {
    const mark = element.nodeName === "OL" ? `${first + i}. ` : "- ";
    return prefixed(listItem(item, isLoose), mark, " ".repeat(mark.length));
  });
  return written.join(isLoose ? "\n\n" : "\n");
}

/** @param {Element} item @param {boolean} isLoose */
function listItem(item, isLoose) {
  const text = markdownOf(item);
  return isLoose ? text : text.replace(/\n\n(?= *(?:[-+*]|\d+[.)]) )/g, "\n");
}

/** @param {string} text @param {string} first @param {string} others */
function prefixed(text, first, others) {
  const lines = text.split("\n");
  return lines.map((line, i) => (i === 0 ? first + line : (others + line).trimEnd())).join("\n").trimEnd();
}

/** @param {HTMLTableElement} element */
function table(element) {
  const rows = Array.from(element.rows, (row) => Array.from(row.cells, cell));
  const written = rows.map((cells) => `| ${cells.join(" | ")} |`);
  if (rows.length > 0 && !element.classList.contains("continued")) written.splice(1, 0, `| ${Array.from(element.rows[0].cells, rule).join(" | ")} |`);
  return written.join("\n");
}

/** @param {HTMLTableCellElement} element */
function cell(element) {
  return oneLine(element).replace(/(?<!\\)\|/g, "\\|");
}

/** @param {Element} element */
function oneLine(element) {
  return inline(element.childNodes).replace(/(?:\\\n|\s)+/g, " ").trim();
}

/** @param {Element} head */
function rule(head) {
  if (head.classList.contains("align-center")) return ":-:";
  if (head.classList.contains("align-right")) return "-:";
  return head.classList.contains("align-left") ? ":--" : "---";
}

/** @param {Iterable<Node>} nodes @returns {string} */
function inline(nodes) {
  return Array.from(nodes, piece).join("");
}

/** @param {Node} node @returns {string} */
function piece(node) {
  if (node.nodeType === Node.TEXT_NODE) return escape((node.nodeValue ?? "").replaceAll("\u00a0", " ").replaceAll("\u200b", ""));
  if (!(node instanceof HTMLElement)) return "";
  if (node.classList.contains("citation-marker")) return node.textContent ?? "";
  switch (node.nodeName) {
    case "BR": return node.nextSibling?.nodeValue?.startsWith("\n") ? "\\" : "\\\n";
    case "STRONG":
    case "B": return marked(node, "**");
    case "EM":
    case "I": return marked(node, "*");
    case "S":
    case "DEL":
    case "STRIKE": return marked(node, "~~");
    case "CODE": return code(node.textContent ?? "");
    case "A": return link(/** @type {HTMLAnchorElement} */ (node));
    case "SCRIPT":
    case "STYLE": return "";
    default: return inline(node.childNodes);
  }
}

/** Emphasis must begin and end at a word. @param {HTMLElement} element @param {string} mark */
function marked(element, mark) {
  const [, before, text, after] = /** @type {RegExpExecArray} */ (/^(\s*)([\s\S]*?)(\s*)$/.exec(inline(element.childNodes)));
  return text === "" ? before + after : `${before}${mark}${text}${mark}${after}`;
}

/** @param {string} text */
function code(text) {
  if (text === "") return "";
  const longest = Math.max(0, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length));
  const mark = "`".repeat(longest + 1);
  const space = /^`|`$|^ .* $/.test(text) ? " " : "";
  return `${mark}${space}${text}${space}${mark}`;
}

/** @param {HTMLAnchorElement} element */
function link(element) {
  const href = element.getAttribute("href") ?? "";
  const text = inline(element.childNodes);
  if (!/^(?:https?:\/\/|mailto:)/i.test(href)) return text;
  if (element.textContent === href) return `<${href}>`;
  return `[${text}](${href.replace(/[()\s]/g, encodeURIComponent)})`;
}

/** Keep prose from being read as a mark. @param {string} text */
function escape(text) {
  return text
    .replace(/[\\`*]|~~/g, (mark) => `\\${mark.split("").join("\\")}`)
    .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, "\\_")
    .replace(/\[(?=[^\]\n]*\]\()/g, "\\[")
    .replace(/<(?=[a-z][a-z0-9+.-]*:|[^\s<>]+@)/gi, "\\<")
    .replace(/&(?=#?\w+;)/g, "\\&");
}
