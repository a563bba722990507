/** Reads from a server's error whether a right was missing, and which kind. The wording differs between versions. */

/** What the user may not touch. */
export type Refusal = "command" | "key" | "channel";

/** Before Redis 7.2 an error raised inside a script does not begin with NOPERM. */
const INSIDE_SCRIPT = "The user executing the script can't";

/** `undefined` for an error of another kind, and for no error. */
export function refusalOf(message: string): Refusal | undefined {
  if (!/^-?NOPERM\b/.test(message) && !message.includes(INSIDE_SCRIPT)) return undefined;
  if (/channel/i.test(message)) return "channel";
  return /\bkeys?\b/i.test(message) ? "key" : "command";
}
