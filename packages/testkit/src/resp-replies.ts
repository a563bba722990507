/** Finds where replies begin and end in what a Redis server sends (RESP2 and RESP3), without keeping any of it. */

const LINE_TYPES = new Set(["+", "-", ":", "_", "#", ",", "("]);
const BULK_TYPES = new Set(["$", "=", "!"]);
const CRLF_BYTES = 2;
const MAX_LINE_BYTES = 65_536;

export interface ReplyFrame {
  /** Offset in the chunk; 0 when the frame began in an earlier one. */
  readonly start: number;
  /** Offset after the last byte; undefined when the frame goes on in the next chunk. */
  readonly end: number | undefined;
  /** Sent unasked: a message of a subscription, say. Only RESP3 marks them. */
  readonly isPush: boolean;
}

export class ReplyReader {
  /** For each aggregate that is open, how many elements are still to come. */
  #open: { missing: number; isAttribute: boolean }[] = [];
  #line = "";
  #skip = 0;
  #isPush = false;
  #midFrame = false;
  #opaque = false;

  /** The frames that have a part in this chunk. What cannot be understood is a frame per chunk. */
  read(chunk: Buffer): ReplyFrame[] {
    const frames: ReplyFrame[] = [];
    let start = 0;
    let offset = 0;
    while (offset < chunk.length && !this.#opaque) {
      this.#beginFrame(chunk[offset]);
      offset = this.#skip > 0 ? this.#skipBytes(chunk.length, offset) : this.#readLine(chunk, offset);
      if (this.#midFrame) continue;
      frames.push({ start, end: offset, isPush: this.#isPush });
      start = offset;
    }
    if (this.#opaque) return [...frames, { start, end: chunk.length, isPush: false }];
    if (this.#midFrame) frames.push({ start, end: undefined, isPush: this.#isPush });
    return frames;
  }

  #beginFrame(firstByte: number | undefined): void {
    if (this.#midFrame) return;
    this.#midFrame = true;
    this.#isPush = firstByte === ">".charCodeAt(0);
  }

  #skipBytes(length: number, offset: number): number {
    const skipped = Math.min(this.#skip, length - offset);
    this.#skip -= skipped;
    if (this.#skip === 0) this.#elementDone();
    return offset + skipped;
  }

  #readLine(chunk: Buffer, offset: number): number {
    const lineFeed = chunk.indexOf("\n", offset);
    const end = lineFeed < 0 ? chunk.length : lineFeed + 1;
    this.#line += chunk.toString("latin1", offset, end);
    if (this.#line.length > MAX_LINE_BYTES) this.#opaque = true;
    if (lineFeed >= 0) {
      this.#lineDone(this.#line);
      this.#line = "";
    }
    return end;
  }

  #lineDone(line: string): void {
    const type = line.charAt(0);
    const count = Number(line.slice(1));
    if (LINE_TYPES.has(type)) {
      this.#elementDone();
    } else if (!Number.isInteger(count)) {
      this.#opaque = true;
    } else if (BULK_TYPES.has(type)) {
      if (count < 0) this.#elementDone();
      else this.#skip = count + CRLF_BYTES;
    } else if (type === "*" || type === "~" || type === ">") {
      this.#aggregate(count, false);
    } else if (type === "%" || type === "|") {
      this.#aggregate(count * 2, type === "|");
    } else {
      this.#opaque = true;
    }
  }

  #aggregate(missing: number, isAttribute: boolean): void {
    this.#open.push({ missing: Math.max(0, missing), isAttribute });
    if (missing <= 0) this.#closeFull();
  }

  #elementDone(): void {
    const innermost = this.#open.at(-1);
    if (innermost === undefined) {
      this.#midFrame = false;
      return;
    }
    innermost.missing--;
    this.#closeFull();
  }

  #closeFull(): void {
    if (this.#open.at(-1)?.missing !== 0) return;
    // An attribute precedes the element that it belongs to; it is none itself.
    if (this.#open.pop()?.isAttribute !== true) this.#elementDone();
  }
}
