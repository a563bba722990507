/** What overtakes what when nobody wants a flight any more: messages and replies come on different connections. */
import { FakeClock, SeededRandom } from "@skein/testkit";
import { expect, it } from "vitest";
import { MemoryFleet } from "../../src/memory/index.ts";
import { Policies } from "../../src/policy.ts";
import { SimulatedProcess } from "./simulated-process.ts";

const REPLY_MS = 100;

it("news that the last follower left, overtaking the answer that somebody follows, aborts the work all the same", async () => {
  const clock = new FakeClock();
  let slow = false;
  const memory = new MemoryFleet({
    clock,
    network: {
      copies: ({ process, kind }) => [slow && process === "leader" && kind === "reply" ? REPLY_MS : 0],
    },
  });
  // Renewals are another occasion, and far away.
  const prefixes = { "k:": { leaseMs: 600_000 } };
  const policy = new Policies({ redis: "unused", prefixes }).find("k:");
  if (policy === undefined) throw new Error("no policy");
  const start = (id: string): SimulatedProcess =>
    new SimulatedProcess({
      id,
      clock,
      randomness: new SeededRandom(id),
      memory,
      policy,
      maxEntries: 10,
      onEvent: () => undefined,
    });
  const [leader, follower] = [start("leader"), start("follower")];
  let aborted = false;
  const work = (signal: AbortSignal): Promise<never> => {
    signal.addEventListener("abort", () => (aborted = true));
    return new Promise(() => undefined);
  };
  const call = async (
    process: SimulatedProcess,
  ): Promise<{ leave: () => void; answer: Promise<unknown> }> => {
    const caller = new AbortController();
    const answer = process.table
      .call("k:1", work, { signal: caller.signal }, true, process.pilot)
      .catch(() => "left");
    await clock.advance(1);
    return { leave: () => caller.abort(new Error("left")), answer };
  };
  const led = await call(leader);
  const followed = await call(follower);
  slow = true;
  led.leave();
  await clock.advance(REPLY_MS / 2);
  expect(aborted).toBe(false);
  followed.leave();
  await clock.advance(10 * REPLY_MS);
  expect(aborted).toBe(true);
  expect(await Promise.all([led.answer, followed.answer])).toEqual(["left", "left"]);
});
