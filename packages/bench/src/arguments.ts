/** What the command was asked for. */
import { parseArgs } from "node:util";

export interface Request {
  readonly help: boolean;
  /** Names of sections; all when empty. */
  readonly only: readonly string[];
  readonly quick: boolean;
  readonly json: boolean;
  readonly write: boolean;
}

/** @throws with a sentence for the user. */
export function parseRequest(words: readonly string[], sections: readonly string[]): Request {
  const { values } = parseArgs({
    args: words.filter((word) => word !== "--"),
    options: {
      help: { type: "boolean", short: "h", default: false },
      only: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      write: { type: "boolean" },
      "no-write": { type: "boolean" },
    },
  });
  const only = values.only === undefined ? [] : values.only.split(",");
  const unknown = only.filter((name) => !sections.includes(name));
  if (unknown.length > 0) {
    throw new Error(`There is no section ${unknown.join(", ")}; there are ${sections.join(", ")}.`);
  }
  // What was measured in a hurry does not go into the document by accident.
  const write = values.write ?? (values["no-write"] !== true && !values.quick);
  return { help: values.help, only, quick: values.quick, json: values.json, write };
}
