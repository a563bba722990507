import { FakeClock } from "@skein/testkit";
import { expect, test } from "vitest";
import { Heartbeat } from "./heartbeat.ts";

const LIMIT_MS = 3_000;
const EVERY_MS = 1_000;

interface Setup {
  readonly heartbeat: Heartbeat;
  readonly clock: FakeClock;
  /** Whether the other side answers questions; "unread": the process has not read the answer yet. */
  readonly peer: { answers: boolean | "unread" };
  readonly askedAt: number[];
  readonly silentAt: number[];
  /** The process does nothing for this long, while time goes on. */
  block(ms: number): void;
}

function setUp(options: { silenceLimitMs?: number } = {}): Setup {
  const clock = new FakeClock(0);
  let blockedMs = 0;
  const now = (): number => clock.now() + blockedMs;
  const peer: Setup["peer"] = { answers: true };
  const askedAt: number[] = [];
  const silentAt: number[] = [];
  const heartbeat: Heartbeat = new Heartbeat({
    clock: {
      now,
      setTimer: (callback, delayMs) => clock.setTimer(callback, delayMs),
      nextPoll: (callback) => {
        clock.nextPoll(() => {
          if (peer.answers === "unread") heartbeat.heard();
          callback();
        });
      },
    },
    everyMs: EVERY_MS,
    silenceLimitMs: options.silenceLimitMs ?? LIMIT_MS,
    ask: () => {
      askedAt.push(now());
      if (peer.answers === true) clock.setTimer(() => heartbeat.heard(), 1);
    },
    onSilence: () => {
      silentAt.push(now());
      heartbeat.stop();
    },
  });
  const block = (ms: number): void => {
    blockedMs += ms;
  };
  return { heartbeat, clock, peer, askedAt, silentAt, block };
}

test("a connection that answers is asked once per second and never dropped", async () => {
  const { heartbeat, clock, askedAt, silentAt } = setUp();
  heartbeat.start();
  heartbeat.heard();
  await clock.advance(60_500);
  expect(askedAt).toHaveLength(60);
  expect(silentAt).toEqual([]);
  heartbeat.stop();
  expect(clock.pendingTimers).toBe(0);
});

test("a connection that falls silent is reported when nothing was heard for the limit", async () => {
  const { heartbeat, clock, peer, silentAt } = setUp();
  heartbeat.start();
  heartbeat.heard();
  await clock.advance(10_500);
  peer.answers = false;
  const lastHeardAt = heartbeat.lastHeardAt;
  await clock.advance(10_000);
  expect(silentAt).toHaveLength(1);
  expect(silentAt[0]! - lastHeardAt).toBeLessThanOrEqual(LIMIT_MS + 2);
  expect(silentAt[0]! - lastHeardAt).toBeGreaterThanOrEqual(LIMIT_MS);
});

test("a short limit is kept by asking more often", async () => {
  const { heartbeat, clock, peer, silentAt } = setUp({ silenceLimitMs: 500 });
  heartbeat.start();
  heartbeat.heard();
  await clock.advance(2_000);
  expect(silentAt).toEqual([]);
  peer.answers = false;
  const lastHeardAt = heartbeat.lastHeardAt;
  await clock.advance(2_000);
  expect(silentAt[0]! - lastHeardAt).toBeLessThanOrEqual(502);
});

test("a handshake that is never answered is silence", async () => {
  const { heartbeat, clock, silentAt } = setUp();
  heartbeat.start();
  await clock.advance(LIMIT_MS + 10);
  expect(silentAt).toEqual([LIMIT_MS]);
});

test("messages are signs of life, even if the question stays open", async () => {
  const { heartbeat, clock, peer, silentAt } = setUp();
  peer.answers = false;
  heartbeat.start();
  for (let second = 1; second <= 20; second++) {
    heartbeat.heard();
    await clock.advance(1_000);
  }
  expect(silentAt).toEqual([]);
  heartbeat.stop();
});

test("a process that was blocked for longer than the limit asks before it judges", async () => {
  const { heartbeat, clock, silentAt, block } = setUp();
  heartbeat.start();
  heartbeat.heard();
  await clock.advance(1_500);
  block(60_000);
  await clock.advance(20_000);
  expect(silentAt).toEqual([]);
});

test("an answer that arrived while the process was blocked is read before it judges", async () => {
  const { heartbeat, clock, peer, askedAt, silentAt, block } = setUp();
  heartbeat.start();
  heartbeat.heard();
  peer.answers = "unread";
  await clock.advance(1_000);
  expect(askedAt).toHaveLength(1);
  block(60_000);
  await clock.advance(1_500);
  expect(silentAt).toEqual([]);
  heartbeat.stop();
});
