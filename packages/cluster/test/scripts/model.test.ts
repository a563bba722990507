/**
 * The scripts against their executable specification: random histories of one flight, and of the cache entry of its key,
 * played over Redis and in memory, get the same replies and the same wake-ups. Time passes in two ways: what a server has
 * recorded is made older, or the server's own clock is moved, so that everything ends there as it does on any Redis.
 */
import { RedisServer, SkewedClock } from "@skein/testkit";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ContractFleet } from "../contract/contract-fleet.ts";
import { startMemoryFleet } from "../contract/memory-contract-fleet.ts";
import { startRedisFleet } from "../contract/redis-contract-fleet.ts";
import { startSkewedFleet } from "../contract/skewed-contract-fleet.ts";
import { command, commandOrJump, type Command } from "./model-commands.ts";
import { World } from "./model-world.ts";

/** A history that took longer than this proves nothing, and is played again. */
const MAX_REAL_MS = 1_000;
/** Then the machine is too slow for a verdict, which is none. */
const MAX_REPETITIONS = 20;
const HISTORIES = Number(process.env["SKEIN_MODEL_HISTORIES"] ?? 200);

const clocks = await SkewedClock.available();

interface Outcome {
  readonly replies: unknown;
  readonly told: unknown;
  readonly isKnown: boolean;
}

/** In both worlds, step by step. */
class Comparison {
  #histories = 0;
  #repetitions = 0;
  readonly #overRedis: ContractFleet;

  constructor(overRedis: ContractFleet) {
    this.#overRedis = overRedis;
  }

  async hold(history: readonly Command[]): Promise<void> {
    for (;;) {
      const { specified, actual, tookMs } = await this.#play(history);
      if (tookMs <= MAX_REAL_MS) {
        expect(actual).toEqual(specified);
        return;
      }
      if (++this.#repetitions > MAX_REPETITIONS) {
        throw new Error(
          `${this.#repetitions} histories took longer than ${MAX_REAL_MS} ms, at last ${tookMs}`,
        );
      }
    }
  }

  async #play(history: readonly Command[]): Promise<{ specified: Outcome; actual: Outcome; tookMs: number }> {
    const number = ++this.#histories;
    const inMemory = await startMemoryFleet();
    const specified = await World.create(inMemory, number);
    const actual = await World.create(this.#overRedis, number);
    const startedAt = performance.now();
    const [expected, transcript]: [unknown[], unknown[]] = [[], []];
    for (const step of history) {
      // A real clock never stands still between two commands; it makes tokens unique.
      await inMemory.elapse(1);
      expected.push([step.do, await specified.play(step)]);
      transcript.push([step.do, await actual.play(step)]);
    }
    const known = [await specified.isKnown(), await actual.isKnown()] as const;
    const tookMs = performance.now() - startedAt;
    const told = [await specified.told(), await actual.told()] as const;
    await actual.close();
    await specified.close();
    return {
      specified: { replies: expected, told: told[0], isKnown: known[0] },
      actual: { replies: transcript, told: told[1], isKnown: known[1] },
      tookMs,
    };
  }
}

async function compare(overRedis: ContractFleet, step: fc.Arbitrary<Command>): Promise<void> {
  const comparison = new Comparison(overRedis);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40, size: "max" }), (history) =>
      comparison.hold(history),
    ),
    { numRuns: HISTORIES },
  );
}

describe(`${HISTORIES} random histories of a flight are the same in memory and over Redis`, () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.stop());

  it("when what it recorded grows older", { timeout: 600_000 }, async () => {
    const overRedis = await startRedisFleet(server);
    await compare(overRedis, command);
    await overRedis.close();
  });
});

describe.runIf(clocks === true)(`over a Redis whose clock is moved (available: ${clocks})`, () => {
  let clock: SkewedClock;
  let server: RedisServer;

  beforeAll(async () => {
    clock = await SkewedClock.create();
    server = await RedisServer.start({ env: clock.env });
  });
  afterAll(async () => {
    await server.stop();
    await clock[Symbol.asyncDispose]();
  });

  it(`${HISTORIES} random histories are the same, too`, { timeout: 600_000 }, async () => {
    const overRedis = await startSkewedFleet(server, clock);
    await compare(overRedis, commandOrJump);
    await overRedis.close();
  });
});
