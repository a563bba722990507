import { describe, expect, it } from "vitest";
import { parseArguments } from "../src/demo/arguments.ts";

describe("the demo's command line", () => {
  it("prints a table unless asked for JSON", () => {
    expect(parseArguments([])).toEqual({ json: false, help: false });
    expect(parseArguments(["--json"])).toEqual({ json: true, help: false });
  });

  it("refuses what it does not know, naming it", () => {
    expect(() => parseArguments(["--jsn"])).toThrow("--jsn");
    expect(() => parseArguments(["json"])).toThrow("json");
  });
});
