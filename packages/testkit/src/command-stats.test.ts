import { expect, it } from "vitest";
import { parseCommandStats } from "./command-stats.ts";

it("reads calls, times and failures of each command, old and new servers alike", () => {
  const info =
    "# Commandstats\r\n" +
    "cmdstat_config|get:calls=2,usec=58,usec_per_call=29.00,rejected_calls=1,failed_calls=3\r\n" +
    "cmdstat_get:calls=1,usec=4,usec_per_call=4.00\r\n";
  expect(parseCommandStats(info)).toStrictEqual({
    "config|get": { calls: 2, usec: 58, usecPerCall: 29, rejectedCalls: 1, failedCalls: 3 },
    get: { calls: 1, usec: 4, usecPerCall: 4, rejectedCalls: 0, failedCalls: 0 },
  });
});

it("finds nothing in an empty report", () => {
  expect(parseCommandStats("# Commandstats\r\n")).toStrictEqual({});
});
