/** From the fields of a form to the JSON that is sent. */

/**
 * @typedef {object} Field
 * @property {string} name
 * @property {string} value
 * @property {boolean} [isSwitch]   a checkbox
 * @property {boolean} [isOn]
 * @property {boolean} [isNumber]
 * @property {string[]} [names]     the value chooses under which of these names `name` is sent
 */

/**
 * Empty fields are left out: the server has a default for each that may be empty.
 * @param {Field[]} fields
 * @returns {Record<string, unknown>}
 */
export function bodyOf(fields) {
  const chooser = fields.find((field) => field.names !== undefined);
  /** @type {Record<string, unknown>} */
  const body = {};
  for (const field of fields) {
    if (field === chooser) continue;
    const name = chooser !== undefined && field.name === "name" ? chooser.value : field.name;
    if (field.isSwitch) body[name] = field.isOn;
    else if (field.value !== "") body[name] = field.isNumber ? Number(field.value) : field.value;
  }
  return body;
}

/**
 * Split what an element says it sends.
 * @param {string} send  "POST /api/v1/auth/keys"
 * @returns {{method: string, path: string}}
 */
export function requestOf(send) {
  const [method, path] = send.split(" ");
  return { method, path };
}

/** What an answer shows once and never again, or null. @param {any} answer */
export function secretOf(answer) {
  if (typeof answer?.key === "string") {
    return {
      title: "Your new key",
      text: "Copy it now: it is not kept and cannot be shown again.",
      label: "Send it as “Authorization: Bearer …”",
      secret: answer.key,
    };
  }
  if (typeof answer?.link === "string") {
    return {
      title: answer.invite === undefined ? "A link that signs in once" : "An invitation",
      text: "Copy it now and send it to that person alone: whoever opens it first is that person.",
      label: "Link",
      secret: answer.link,
    };
  }
  return null;
}
