/** One line of what MONITOR reports. */

export interface TappedCommand {
  /** Lower case. */
  readonly name: string;
  /** Without the name. */
  readonly args: readonly string[];
  /** Whether a client sent it, or a script called it. */
  readonly source: "client" | "script";
  /** The client's address and port, or "lua". */
  readonly address: string;
  /** Server time, in milliseconds with fractions. */
  readonly atMs: number;
}

const LINE = /^\+?(?<seconds>\d+\.\d+) \[\d+ (?<address>.*?)\] (?<words>".*)$/;
const WORD = /"((?:[^"\\]|\\.)*)"/g;
const ESCAPE = /\\(?:x([0-9a-f]{2})|(.))/gi;
const LETTERS: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", a: "\x07", b: "\b" };

/** undefined for what is no report of a command. */
export function parseMonitorLine(line: string): TappedCommand | undefined {
  const { seconds = "", address = "", words = "" } = LINE.exec(line)?.groups ?? {};
  const [name, ...args] = Array.from(words.matchAll(WORD), ([, word = ""]) => unescape(word));
  if (name === undefined) return undefined;
  return {
    name: name.toLowerCase(),
    args,
    source: address === "lua" ? "script" : "client",
    address,
    atMs: Number(seconds) * 1_000,
  };
}

function unescape(word: string): string {
  const bytes = word.replace(ESCAPE, (_whole, hex: string | undefined, letter: string | undefined) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    return LETTERS[letter ?? ""] ?? letter ?? "";
  });
  return Buffer.from(bytes, "latin1").toString("utf8");
}
