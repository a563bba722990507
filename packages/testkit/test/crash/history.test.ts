import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Flier } from "../../src/flier.ts";
import { readHistory } from "../../src/history.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "skein-test-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

it("a history keeps every line that was recorded before a SIGKILL, in order", async () => {
  const recorder = await Flier.start(new URL("../fliers/recording-flier.ts", import.meta.url), { directory });
  recorder.send("record");
  await recorder.waitFor((event) => Number(event["call"]) >= 1_000);
  await recorder.kill();
  const told = Math.max(...recorder.events.map((event) => Number(event["call"])));
  const calls = readHistory(directory).map(({ call }) => Number(call));
  expect(calls.length).toBeGreaterThanOrEqual(told);
  expect(calls).toStrictEqual(Array.from(calls, (_, index) => index + 1));
});
