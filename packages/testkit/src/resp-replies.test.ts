import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReplyReader } from "./resp-replies.ts";

/** Every type of RESP2 and RESP3, and what tempts to be misread. */
const REPLIES = [
  "+OK\r\n",
  "-ERR no\r\n",
  ":42\r\n",
  "_\r\n",
  "#t\r\n",
  ",1.5\r\n",
  "(12345678901234567890\r\n",
  "$-1\r\n",
  "$0\r\n\r\n",
  "$7\r\n+OK\r\n:1\r\n",
  "=6\r\ntxt:ab\r\n",
  "!3\r\nERR\r\n",
  "*0\r\n",
  "*-1\r\n",
  "*2\r\n$1\r\na\r\n*2\r\n:1\r\n*0\r\n",
  "~1\r\n:1\r\n",
  "%2\r\n+a\r\n:1\r\n+b\r\n%1\r\n+c\r\n*1\r\n:2\r\n",
  "|1\r\n+ttl\r\n:9\r\n$1\r\nx\r\n",
];
const PUSH = ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n";

function ends(reader: ReplyReader, text: string): (number | undefined)[] {
  return reader.read(Buffer.from(text, "latin1")).map(({ end }) => end);
}

describe("ReplyReader", () => {
  it.each(REPLIES.map((reply) => [JSON.stringify(reply), reply]))("finds the end of %s", (_name, reply) => {
    expect(new ReplyReader().read(Buffer.from(reply))).toStrictEqual([
      { start: 0, end: reply.length, isPush: false },
    ]);
    for (let cut = 1; cut < reply.length; cut++) {
      const reader = new ReplyReader();
      expect(ends(reader, reply.slice(0, cut))).toStrictEqual([undefined]);
      expect(ends(reader, `${reply.slice(cut)}+OK\r\n`)).toStrictEqual([
        reply.length - cut,
        reply.length - cut + 5,
      ]);
    }
  });

  it("finds as many replies as were sent, however the stream is cut", () => {
    const stream = fc.array(fc.constantFrom(...REPLIES, PUSH), { maxLength: 20 });
    fc.assert(
      fc.property(stream, fc.infiniteStream(fc.integer({ min: 1, max: 12 })), (replies, sizes) => {
        const reader = new ReplyReader();
        let rest = replies.join("");
        const found: boolean[] = [];
        while (rest !== "") {
          const size = sizes.next().value as number;
          for (const frame of reader.read(Buffer.from(rest.slice(0, size)))) {
            if (frame.end !== undefined) found.push(frame.isPush);
          }
          rest = rest.slice(size);
        }
        expect(found).toStrictEqual(replies.map((reply) => reply === PUSH));
      }),
    );
  });

  it("tells what was sent unasked from replies", () => {
    expect(new ReplyReader().read(Buffer.from(`+OK\r\n${PUSH}:1\r\n`))).toStrictEqual([
      { start: 0, end: 5, isPush: false },
      { start: 5, end: 5 + PUSH.length, isPush: true },
      { start: 5 + PUSH.length, end: 9 + PUSH.length, isPush: false },
    ]);
  });

  it("takes each piece of what it does not understand for a reply", () => {
    const reader = new ReplyReader();
    expect(ends(reader, "\x16\x03\x01\r\n")).toStrictEqual([5]);
    expect(ends(reader, "+OK\r\n+OK\r\n")).toStrictEqual([10]);
    expect(ends(new ReplyReader(), "x".repeat(70_000))).toStrictEqual([70_000]);
    expect(ends(new ReplyReader(), "$x\r\n")).toStrictEqual([4]);
  });
});
