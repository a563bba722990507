/** Reads what a Redis client sends, as it passes by: arrays of bulk strings, or inline commands. */

const CRLF = "\r\n";
/** Longer without a line end, and it is not Redis' protocol. */
const MAX_LINE_BYTES = 65_536;

export interface RedisRequest {
  /** Lower case. */
  readonly name: string;
  /** The whole request as it was sent. */
  readonly bytes: Buffer;
}

export class RequestReader {
  #chunks: Buffer[] = [];
  #length = 0;
  /** How much is needed before it is worth looking again. */
  #neededLength = 1;
  #opaque = false;

  /** The requests that this chunk completes. What cannot be understood is a request of its own, without a name. */
  read(chunk: Buffer): RedisRequest[] {
    if (this.#opaque) return [{ name: "", bytes: chunk }];
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#neededLength) return [];
    let rest = Buffer.concat(this.#chunks);
    const requests: RedisRequest[] = [];
    for (;;) {
      const parsed = parseRequest(rest);
      if (parsed === "opaque") {
        this.#opaque = true;
        if (rest.length > 0) requests.push({ name: "", bytes: rest });
        return requests;
      }
      if ("neededLength" in parsed) {
        this.#chunks = [rest];
        this.#length = rest.length;
        this.#neededLength = parsed.neededLength;
        return requests;
      }
      requests.push(parsed);
      rest = rest.subarray(parsed.bytes.length);
    }
  }
}

function parseRequest(data: Buffer): RedisRequest | { readonly neededLength: number } | "opaque" {
  if (data.length === 0) return { neededLength: 1 };
  const head = readLine(data, 0);
  if (head === undefined) return data.length > MAX_LINE_BYTES ? "opaque" : { neededLength: data.length + 1 };
  if (!head.text.startsWith("*")) {
    const [name = ""] = head.text.trim().split(/\s+/);
    return /^[a-z]*$/i.test(name)
      ? { name: name.toLowerCase(), bytes: data.subarray(0, head.end) }
      : "opaque";
  }
  const count = Number(head.text.slice(1));
  if (!Number.isInteger(count)) return "opaque";
  let offset = head.end;
  let name = "";
  for (let index = 0; index < count; index++) {
    const line = readLine(data, offset);
    if (line === undefined) return { neededLength: data.length + 1 };
    const length = Number(line.text.slice(1));
    if (!line.text.startsWith("$") || !Number.isInteger(length) || length < 0) return "opaque";
    const end = line.end + length + CRLF.length;
    if (data.length < end) return { neededLength: end };
    if (index === 0) name = data.toString("latin1", line.end, line.end + length).toLowerCase();
    offset = end;
  }
  return { name, bytes: data.subarray(0, offset) };
}

function readLine(data: Buffer, start: number): { readonly text: string; readonly end: number } | undefined {
  const at = data.indexOf(CRLF, start);
  return at < 0 ? undefined : { text: data.toString("latin1", start, at), end: at + CRLF.length };
}
