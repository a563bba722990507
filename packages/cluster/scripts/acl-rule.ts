/**
 * The rights that a user of Redis needs to fly: the commands that our scripts call, read out of their text, and those
 * that connections send. The same block is in docs/REDIS-KEYS.md, and written there from here.
 */

/** What a connection sends itself, in the order of the document; the scripts add theirs. */
const EVERY_CONNECTION = ["ping", "time", "client|setname", "hello", "evalsha", "eval", "subscribe"];
const LIST_CONNECTION = ["brpop", "rpop"];
/** Nothing but a warning, or a round trip, is lost without these. */
const DISPENSABLE = ["info", "config|get", "script|load"];

/** Commands that tell processes which are woken over pub/sub, and over lists. */
const PUBSUB = ["publish", "pubsub|numsub"];
const LIST = ["lpush", "ltrim", "llen"];

/** @throws Error when no script tells anybody in one of the two ways: then the text was read wrong. */
export function aclRule(scripts: readonly string[]): string {
  const called = new Set(scripts.flatMap(commandsIn));
  const elsewhere = new Set([...EVERY_CONNECTION, ...PUBSUB, ...LIST]);
  const flights = [...called].filter((command) => !elsewhere.has(command)).toSorted();
  const told = (group: readonly string[]): string[] => {
    const missing = group.filter((command) => !called.has(command));
    if (missing.length > 0) throw new Error(`no script calls ${missing.join(", ")}`);
    return [...group];
  };
  const lines = [
    [...EVERY_CONNECTION],
    flights,
    told(PUBSUB),
    [...told(LIST), ...LIST_CONNECTION],
    [...DISPENSABLE],
  ].map((commands) => `  ${commands.map((command) => `+${command}`).join(" ")}`);
  return ["ACL SETUSER skein on >password resetkeys ~skein1:* resetchannels &skein1:* -@all", ...lines].join(
    "\n",
  );
}

/** In lower case, as rules name them. */
function commandsIn(script: string): string[] {
  const calls = script.matchAll(/(?:redis\.p?call\(|healed\(KEYS\[\d\], )'(\w+)'(?:, '(NUMSUB)')?/gu);
  return Array.from(calls, ([, command = "", subcommand]) =>
    (subcommand === undefined ? command : `${command}|${subcommand}`).toLowerCase(),
  );
}
