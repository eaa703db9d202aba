/** The audit log in words. */

/**
 * @typedef {object} AuditEntry
 * @property {number} id
 * @property {string} at
 * @property {string} action
 * @property {string} username
 * @property {string | null} user_id
 * @property {string | null} kb_id
 * @property {string} subject
 * @property {string} detail
 * @property {string} address
 * @property {string} request_id
 */

const PATH = "/api/v1/admin/audit";

/**
 * @param {Record<string, string>} wanted  what the form says; empty fields ask for nothing
 * @param {number | null} before           the last entry that is known
 */
export function auditPath(wanted, before) {
  const query = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value !== ""));
  if (before !== null) query.set("before", String(before));
  const text = query.toString();
  return text === "" ? PATH : `${PATH}?${text}`;
}

/** @param {Partial<AuditEntry>} entry */
export function inWords({ at = "", action = "", username = "", user_id: id, subject = "", detail = "" }) {
  const words = action.replaceAll("_", " ");
  return {
    at: at.slice(0, 19).replace("T", " "),
    user: username || id || "",
    action: words.charAt(0).toUpperCase() + words.slice(1),
    what: [detail, subject].filter(Boolean).join(" · "),
  };
}
