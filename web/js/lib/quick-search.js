/** The answer of the quick search as one list a keyboard can walk through. */

/** @typedef {{group: string, title: string, detail: string, href: string}} Find */

/**
 * @typedef {object} QuickAnswer
 * @property {any[]} [results]
 * @property {{id: string, name: string, document_count?: number}[]} [kbs]
 * @property {{id: string, kb_id: string, name: string}[]} [documents]
 * @property {{id: string, kb_id: string, title: string, status?: string}[]} [drafts]
 * @property {{id: string, kb_id: string, title: string}[]} [conversations]
 */

/**
 * @param {string} query
 * @param {QuickAnswer} answer
 * @returns {Find[]} in the order they are shown; groups stand together
 */
export function quickFinds(query, { results = [], kbs = [], documents = [], drafts = [], conversations = [] }) {
  const at = encodeURIComponent;
  return [
    ...kbs.map(({ id, name }) => ({ group: "Knowledge bases", title: name, detail: "", href: `/kb/${at(id)}` })),
    ...documents.map(({ id, kb_id: kb, name }) => ({ group: "Documents", title: name, detail: "", href: `/kb/${at(kb)}/documents/${at(id)}` })),
    ...results.map((passage) => ({
      group: "Passages",
      title: passage.document_name,
      detail: `${passage.page_number ? `page ${passage.page_number} · ` : ""}${firstWords(passage.chunk_text)}`,
      href: `/kb/${at(passage.kb_id)}/documents/${at(passage.document_id)}?highlight=${passage.char_start}-${passage.char_end}`,
    })),
    ...drafts.map(({ id, kb_id: kb, title }) => ({ group: "Drafts", title, detail: "", href: `/kb/${at(kb)}/drafts/${at(id)}` })),
    ...conversations.map(({ id, kb_id: kb, title }) => ({ group: "Conversations", title, detail: "", href: `/kb/${at(kb)}/chat?session=${at(id)}` })),
    { group: "Search", title: `Search for “${query}”`, detail: "An answer with its sources", href: `/search?q=${at(query)}` },
  ];
}

/** @param {string} text */
function firstWords(text) {
  const line = text.slice(0, 200).replace(/\s+/g, " ").trim();
  return line.length > 110 ? `${line.slice(0, 110)}…` : line;
}
