// The command line. Unknown arguments are errors, not guesses.

import { parseArgs } from "node:util";

export const HELP = `Usage: demo [--json]

Four HTTP servers, one Postgres, one Redis, and several hundred callers who ask for the same slow report at once:
without coalescing, with one flight per process, and with one flight for the whole fleet. Then the leader is killed.

  --json   print one JSON object on stdout instead of the table; progress goes to stderr either way
  --help   print this

Environment:
  REDIS_URL   use this Redis instead of starting one; MONITOR must be allowed, and a few keys expire by themselves

Exits with 0 when every figure is as promised, 1 when not, 2 on a wrong argument.
`;

export interface Arguments {
  readonly json: boolean;
  readonly help: boolean;
}

/** Throws with a message for the user. */
export function parseArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: { json: { type: "boolean", default: false }, help: { type: "boolean", default: false } },
  });
  return values;
}
