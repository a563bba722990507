import { FakeClock } from "@skein/testkit";
import { afterEach, expect, test, vi } from "vitest";
import { Breaker, feedsBreaker, type BreakerOptions, type BreakerState } from "./breaker.ts";
import { CommandFailure } from "./redis/command-failure.ts";

const SLOW_MS = 200;
const PROBE_EVERY_MS = 250;

afterEach(() => {
  vi.restoreAllMocks();
});

interface Setup {
  readonly breaker: Breaker;
  readonly clock: FakeClock;
  readonly states: BreakerState[];
  readonly probedAt: number[];
}

/** `fraction` 0.5 makes the jittered time between probes the time itself. */
function setUp(
  probe: (clock: FakeClock) => Promise<unknown>,
  options: Partial<BreakerOptions> = {},
  fraction = 0.5,
): Setup {
  const clock = new FakeClock();
  const states: BreakerState[] = [];
  const probedAt: number[] = [];
  const breaker = new Breaker(
    { failures: 1, slowReplies: 5, slowMs: SLOW_MS, probeEveryMs: PROBE_EVERY_MS, ...options },
    {
      probe: () => {
        probedAt.push(clock.now());
        return probe(clock);
      },
      clock,
      randomness: { fraction: () => fraction, identifier: () => "x" },
      onChange: (state) => states.push(state),
    },
  );
  return { breaker, clock, states, probedAt };
}

const answers = (): Promise<unknown> => Promise.resolve("PONG");
const fails = (): Promise<unknown> => Promise.reject(new Error("no answer"));

test("one failure opens it by default, and a probe that is answered closes it", async () => {
  const { breaker, clock, states } = setUp(answers);
  breaker.failed();
  await clock.advance(0);
  expect(breaker.state).toBe("open");
  await clock.advance(PROBE_EVERY_MS);
  expect(breaker.state).toBe("closed");
  expect(states).toEqual(["open", "half-open", "closed"]);
  expect(clock.pendingTimers).toBe(0);
});

test("only failures in a row count: a reply between them begins anew", async () => {
  const { breaker, clock } = setUp(answers, { failures: 3 });
  for (const _round of [1, 2]) {
    breaker.failed();
    breaker.failed();
    breaker.succeeded(1);
  }
  await clock.advance(0);
  expect(breaker.state).toBe("closed");
  breaker.failed();
  breaker.failed();
  breaker.failed();
  await clock.advance(0);
  expect(breaker.state).toBe("open");
});

test("slow replies in a row open it although every one of them came", async () => {
  const { breaker, clock } = setUp(answers);
  for (let reply = 1; reply <= 4; reply++) breaker.succeeded(SLOW_MS + 1);
  breaker.succeeded(SLOW_MS);
  for (let reply = 1; reply <= 4; reply++) breaker.succeeded(SLOW_MS + 1);
  await clock.advance(0);
  expect(breaker.state).toBe("closed");
  breaker.succeeded(SLOW_MS + 1);
  await clock.advance(0);
  expect(breaker.state).toBe("open");
});

test("after a recovery it takes the full number of slow replies again", async () => {
  const { breaker, clock } = setUp(answers, { slowReplies: 2 });
  breaker.succeeded(SLOW_MS + 1);
  breaker.succeeded(SLOW_MS + 1);
  await clock.advance(PROBE_EVERY_MS);
  expect(breaker.state).toBe("closed");
  breaker.succeeded(SLOW_MS + 1);
  await clock.advance(0);
  expect(breaker.state).toBe("closed");
});

test("while probes fail the time between them grows to eightfold and no further", async () => {
  const { breaker, clock, probedAt } = setUp(fails);
  const openedAt = clock.now();
  breaker.failed();
  await clock.advance(10_000);
  const gaps = probedAt.map((at, index) => at - (probedAt[index - 1] ?? openedAt));
  expect(gaps.slice(0, 6)).toEqual([250, 500, 1_000, 2_000, 2_000, 2_000]);
  expect(breaker.state).toBe("open");
  breaker.close();
});

test("the time between probes is jittered by half either way, so a fleet does not probe at once", async () => {
  for (const [fraction, firstMs] of [
    [0, 125],
    [0.999, 374.75],
  ] as const) {
    const { breaker, clock, probedAt } = setUp(answers, {}, fraction);
    const openedAt = clock.now();
    breaker.failed();
    await clock.advance(400);
    expect(probedAt.map((at) => at - openedAt)).toEqual([firstMs]);
  }
});

test("a probe that is answered too slowly keeps it open", async () => {
  let slow = true;
  const { breaker, clock } = setUp(async (time) => {
    if (slow) await new Promise<void>((resolve) => time.setTimer(resolve, SLOW_MS + 1));
  });
  breaker.failed();
  await clock.advance(PROBE_EVERY_MS + SLOW_MS + 1);
  expect(breaker.state).toBe("open");
  slow = false;
  await clock.advance(2 * PROBE_EVERY_MS);
  expect(breaker.state).toBe("closed");
});

test("what happens to other commands while it is open or half-open leaves the decision to the probe", async () => {
  const answer = Promise.withResolvers<unknown>();
  const { breaker, clock, states } = setUp(() => answer.promise);
  breaker.failed();
  await clock.advance(0);
  breaker.failed();
  breaker.succeeded(1);
  await clock.advance(PROBE_EVERY_MS);
  expect(breaker.state).toBe("half-open");
  breaker.failed();
  breaker.succeeded(SLOW_MS + 1);
  await clock.advance(1);
  expect(breaker.state).toBe("half-open");
  answer.resolve("PONG");
  await clock.advance(1);
  expect(states).toEqual(["open", "half-open", "closed"]);
});

test("news that Redis is back make it probe at once, and only when it is open", async () => {
  const { breaker, clock, probedAt } = setUp(answers);
  breaker.probeNow();
  await clock.advance(0);
  expect(probedAt).toEqual([]);
  breaker.failed();
  await clock.advance(1);
  breaker.probeNow();
  await clock.advance(0);
  expect(breaker.state).toBe("closed");
  await clock.advance(10_000);
  expect(probedAt).toHaveLength(1);
});

test("a calendar that is put back an hour does not keep it open", async () => {
  const { breaker, clock } = setUp(answers);
  breaker.failed();
  await clock.advance(0);
  vi.spyOn(Date, "now").mockReturnValue(Date.now() - 3_600_000);
  await clock.advance(PROBE_EVERY_MS);
  expect(breaker.state).toBe("closed");
});

test("closed for good it leaves no timer and says nothing more", async () => {
  const answer = Promise.withResolvers<unknown>();
  const { breaker, clock, states } = setUp(() => answer.promise);
  breaker.failed();
  await clock.advance(PROBE_EVERY_MS);
  breaker.close();
  answer.reject(new Error("closed"));
  await clock.advance(10_000);
  expect(states).toEqual(["open", "half-open"]);
  expect(clock.pendingTimers).toBe(0);
});

test.each([
  ["an unreachable Redis", new CommandFailure("unavailable", { sent: false }), true],
  ["a busy script", new CommandFailure("unavailable", { sent: true, serverCode: "BUSY" }), true],
  ["a reply that did not come", new CommandFailure("timeout", { sent: true }), true],
  [
    "a reply that a busy process could not read",
    new CommandFailure("timeout", { sent: true, loopDelayed: true }),
    false,
  ],
  ["a full server", new CommandFailure("refused", { sent: true, serverCode: "OOM" }), true],
  ["a missing right", new CommandFailure("refused", { sent: true, serverCode: "NOPERM" }), true],
  ["garbage under one key", new CommandFailure("refused", { sent: true, serverCode: "WRONGTYPE" }), false],
  ["a slot on the move", new CommandFailure("refused", { sent: true, serverCode: "TRYAGAIN" }), false],
  ["an error of one script", new CommandFailure("refused", { sent: true, serverCode: "ERR" }), false],
])("whether it counts against Redis as a whole: %s", (_what, failure, counts) => {
  expect(feedsBreaker(failure)).toBe(counts);
});
