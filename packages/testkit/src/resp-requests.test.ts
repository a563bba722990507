import { describe, expect, it } from "vitest";
import { RequestReader } from "./resp-requests.ts";

const SET = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\na\r\nbc\r\n";
const GET = "*2\r\n$3\r\nget\r\n$1\r\nk\r\n";

function read(reader: RequestReader, text: string): [string, string][] {
  return reader.read(Buffer.from(text, "latin1")).map(({ name, bytes }) => [name, bytes.toString("latin1")]);
}

describe("RequestReader", () => {
  it("takes pipelined requests apart, whatever their values contain", () => {
    const expected = [
      ["set", SET],
      ["get", GET],
    ];
    expect(read(new RequestReader(), SET + GET)).toStrictEqual(expected);
  });

  it("puts a request together that comes in pieces, cut anywhere", () => {
    for (let cut = 1; cut < SET.length; cut++) {
      const reader = new RequestReader();
      expect(read(reader, SET.slice(0, cut))).toStrictEqual([]);
      expect(read(reader, SET.slice(cut) + GET)).toStrictEqual([
        ["set", SET],
        ["get", GET],
      ]);
    }
  });

  it("reads inline commands", () => {
    expect(read(new RequestReader(), "PING\r\n" + GET)).toStrictEqual([
      ["ping", "PING\r\n"],
      ["get", GET],
    ]);
  });

  it("passes what it does not understand as it comes", () => {
    const reader = new RequestReader();
    expect(read(reader, GET + "\x16\x03\x01\r\nhello")).toStrictEqual([
      ["get", GET],
      ["", "\x16\x03\x01\r\nhello"],
    ]);
    expect(read(reader, GET)).toStrictEqual([["", GET]]);
    expect(read(new RequestReader(), "*1\r\n+PING\r\n")).toStrictEqual([["", "*1\r\n+PING\r\n"]]);
    expect(read(new RequestReader(), "*x\r\n")).toStrictEqual([["", "*x\r\n"]]);
    expect(read(new RequestReader(), "x".repeat(70_000))).toHaveLength(1);
  });
});
