/**
 * The scripts against their executable specification: random histories of one flight, and of the cache entry of its key,
 * played over Redis and in memory, get the same replies and the same wake-ups.
 */
import { RedisServer } from "@skein/testkit";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ContractFleet } from "../contract/contract-fleet.ts";
import { startMemoryFleet } from "../contract/memory-contract-fleet.ts";
import { startRedisFleet } from "../contract/redis-contract-fleet.ts";
import { command } from "./model-commands.ts";
import { World } from "./model-world.ts";

/** A history that took longer than this proves nothing. */
const MAX_REAL_MS = 1_000;
const HISTORIES = Number(process.env["SKEIN_MODEL_HISTORIES"] ?? 200);

let server: RedisServer;
let overRedis: ContractFleet;
let histories = 0;

beforeAll(async () => {
  server = await RedisServer.start();
  overRedis = await startRedisFleet(server);
});
afterAll(async () => {
  await overRedis.close();
  await server.stop();
});

test(
  `${HISTORIES} random histories of a flight are the same over Redis and in memory`,
  { timeout: 600_000 },
  async () => {
    let proved = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 40, size: "max" }), async (history) => {
        const number = ++histories;
        const inMemory = await startMemoryFleet();
        const specified = await World.create(inMemory, number);
        const actual = await World.create(overRedis, number);
        const startedAt = performance.now();
        const transcript: unknown[] = [];
        const expected: unknown[] = [];
        for (const step of history) {
          // A real clock never stands still between two commands; it makes tokens unique.
          await inMemory.elapse(1);
          expected.push([step.do, await specified.play(step)]);
          transcript.push([step.do, await actual.play(step)]);
        }
        const knownHere = await specified.isKnown();
        const knownThere = await actual.isKnown();
        const tookMs = performance.now() - startedAt;
        const toldHere = await specified.told();
        const toldThere = await actual.told();
        await actual.close();
        await specified.close();
        if (tookMs > MAX_REAL_MS) return;
        proved++;
        expect(transcript).toEqual(expected);
        expect(toldThere).toEqual(toldHere);
        expect(knownThere).toBe(knownHere);
      }),
      { numRuns: HISTORIES },
    );
    expect(proved).toBeGreaterThan(HISTORIES / 2);
  },
);
