import { describe, expect, it } from "vitest";
import { parseMonitorLine } from "./monitor-line.ts";

describe("parseMonitorLine", () => {
  it("reads a client's command", () => {
    expect(parseMonitorLine('+1339518083.107412 [0 127.0.0.1:60866] "SET" "key" "a value"')).toStrictEqual({
      name: "set",
      args: ["key", "a value"],
      source: "client",
      address: "127.0.0.1:60866",
      atMs: 1_339_518_083_107.412,
    });
  });

  it("reads a script's command, and a client on IPv6", () => {
    expect(parseMonitorLine('+1.5 [3 lua] "get" "k"')).toMatchObject({
      source: "script",
      address: "lua",
      args: ["k"],
    });
    expect(parseMonitorLine('+1.5 [0 [::1]:6] "ping"')).toMatchObject({
      name: "ping",
      source: "client",
      args: [],
    });
  });

  it("takes quotes, control characters and other languages back to what was sent", () => {
    const line = String.raw`+1.5 [0 127.0.0.1:1] "set" "a\"b\\" "\r\n\t\a\b\x00" "" "gr\xc3\xbc\xc3\x9fe"`;
    expect(parseMonitorLine(line)?.args).toStrictEqual(['a"b\\', "\r\n\t\x07\b\x00", "", "grüße"]);
  });

  it("knows what is none", () => {
    expect(parseMonitorLine("+OK")).toBeUndefined();
    expect(parseMonitorLine("-ERR unknown command")).toBeUndefined();
  });
});
