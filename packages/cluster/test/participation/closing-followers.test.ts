/** A process that closes waits for outcomes that come within its drain time, and starts no work of its own any more. */
import { expect, it } from "vitest";
import type { PrefixOptions } from "../../src/options.ts";
import type { SimulatedProcess } from "../simulation/simulated-process.ts";
import { Stage } from "./stage.ts";

const DRAIN_MS = 60_000;
const CLOSED = { code: "ERR_SKEIN_CLOSED" };

interface Scene {
  readonly stage: Stage;
  readonly leader: SimulatedProcess;
  readonly closing: SimulatedProcess;
  /** What the caller in the closing process gets. */
  readonly answer: Promise<unknown>;
  /** The process has closed. */
  readonly closed: Promise<void>;
  readonly hasClosed: () => boolean;
}

/** `leader` runs the work, `closing` follows it and has begun to close. */
async function closingFollower(options: PrefixOptions = {}): Promise<Scene> {
  const stage = new Stage({ leaseMs: 5_000, ...options });
  const [leader, closing] = [stage.start("leader"), stage.start("closing")];
  await stage.call(leader);
  const { answer } = await stage.call(closing);
  expect(stage.count(closing, "follow")).toBe(1);
  let done = false;
  const closed = closing.close(DRAIN_MS).then(() => void (done = true));
  await stage.clock.advance(0);
  return { stage, leader, closing, answer, closed, hasClosed: () => done };
}

/** Its callers have been rejected by now, and it is about to be gone, having run nothing. */
async function isLetGo({ stage, closing, answer, closed, hasClosed }: Scene): Promise<void> {
  const late = new Promise((resolve) => setImmediate(resolve, "not answered yet"));
  await expect(Promise.race([answer, late])).rejects.toMatchObject(CLOSED);
  await stage.clock.advance(1_000);
  expect(hasClosed()).toBe(true);
  await closed;
  expect(stage.executions.map(({ by }) => by)).not.toContain(closing.id);
  expect([stage.count(closing, "lead"), stage.count(closing, "fallback")]).toEqual([0, 0]);
  expect(closing.quiet).toBe(true);
}

it("an outcome that comes in time is the answer", async () => {
  const { stage, answer, closed, hasClosed } = await closingFollower();
  await stage.clock.advance(DRAIN_MS / 4);
  expect(hasClosed()).toBe(false);
  stage.execution.end("in time");
  await stage.clock.advance(0);
  expect(await answer).toBe("in time");
  await stage.clock.advance(0);
  await closed;
});

it("when the leader resigns, its callers are let go at once", async () => {
  const scene = await closingFollower();
  void scene.leader.close(0);
  await scene.stage.clock.advance(0);
  await isLetGo(scene);
  expect(scene.stage.memory.flightTtlsMs).toEqual([]);
});

it("when the leader resigns, another follower succeeds, whichever of them hears of it first", async () => {
  const scene = await closingFollower();
  const { stage, leader } = scene;
  const other = stage.start("other");
  const { answer } = await stage.call(other);
  void leader.close(0);
  await stage.clock.advance(0);
  expect(stage.execution.by).toBe(other.id);
  stage.execution.end("of the other");
  await stage.clock.advance(0);
  expect(await answer).toBe("of the other");
  // It may have followed the successor, if that was elected before it asked.
  await scene.answer.catch((error: unknown) => expect(error).toMatchObject(CLOSED));
  expect(stage.executions.map(({ by }) => by)).not.toContain("closing");
});

it("when the leader dies, its callers are let go, and the death is counted once", async () => {
  const scene = await closingFollower();
  const { stage, leader } = scene;
  stage.kill(leader);
  await stage.clock.advance(5_500);
  await isLetGo(scene);
  const next = stage.start("next");
  await stage.call(next);
  expect(stage.execution).toMatchObject({ by: "next", flight: { takeovers: 1 } });
});

it("when each follower is to run alone after the loss of a leader, this one does not", async () => {
  const scene = await closingFollower({ onLeaderLoss: "local" });
  scene.stage.kill(scene.leader);
  await scene.stage.clock.advance(5_500);
  await isLetGo(scene);
});

it("when the wait has lasted too long, its callers are let go", async () => {
  // The leader keeps a lease that its own options would not give it.
  const keeps = { leaseMs: 600_000, renewEveryMs: 120_000 };
  const scene = await closingFollower({ ...keeps, maxAgeMs: 10_000, waitTimeoutMs: 15_000 });
  scene.leader.clock.pause();
  await scene.stage.clock.advance(15_000);
  await isLetGo(scene);
  expect(scene.stage.count(scene.closing, "wait-timeout")).toBe(1);
});

it("when nobody answers any more, its callers are let go", async () => {
  const scene = await closingFollower();
  scene.stage.delayRepliesTo(scene.closing, Infinity);
  await scene.stage.clock.advance(5_500);
  await isLetGo(scene);
});

it("when the outcome cannot be shared, its callers are let go", async () => {
  const scene = await closingFollower();
  scene.stage.execution.end(() => "a function");
  await scene.stage.clock.advance(0);
  await isLetGo(scene);
});

it("a join under way when it began to close may still lead: its call came before", async () => {
  const stage = new Stage();
  const process = stage.start("closing");
  stage.delayRepliesTo(process, 100);
  const { answer } = await stage.call(process);
  const closed = process.close(DRAIN_MS);
  await stage.clock.advance(100);
  stage.execution.end("led");
  await stage.clock.advance(0);
  expect(await answer).toBe("led");
  await stage.clock.advance(200);
  await closed;
});
