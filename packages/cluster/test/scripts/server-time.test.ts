/** What the scripts cost the server. Printed, not asserted: machines differ. */
import { RedisServer } from "@skein/testkit";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { grantOf } from "../../src/fencing-token.ts";
import { RawScripts } from "./raw-scripts.ts";

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await RedisServer.start();
  redis = server.client();
});
afterAll(() => server.stop());

/** Median server time of a script, in us, over runs that each prepare a flight first. */
async function serverTimeUs(
  runs: number,
  prepare: (flight: RawScripts) => Promise<string>,
  act: (flight: RawScripts, token: string) => Promise<unknown>,
): Promise<number> {
  const samples: number[] = [];
  for (let run = 0; run < runs; run++) {
    const flight = new RawScripts(redis, `time ${Math.random()}`);
    const token = await prepare(flight);
    await redis.config("RESETSTAT");
    await act(flight, token);
    const stats = await redis.info("commandstats");
    samples.push(Number(/cmdstat_eval:calls=1,usec=(\d+)/.exec(stats)?.[1]));
    await redis.del(flight.flight.leaseKey, flight.flight.flightKey);
  }
  return samples.toSorted((one, other) => one - other)[Math.floor(runs / 2)] ?? NaN;
}

/** Registers followers without going through join. */
async function crowd(flight: RawScripts, token: string, followers: number): Promise<void> {
  const registrations = Array.from({ length: followers }, (_, index) => [
    `f:process${index}:nonce00000000`,
    `p ${grantOf(token)} ${Date.now() + 60_000}`,
  ]);
  await redis.hset(flight.flight.flightKey, Object.fromEntries(registrations) as Record<string, string>);
}

test("server time per script", async () => {
  const lead = (flight: RawScripts): Promise<string> => flight.lead("leader", "nonce00000000");
  const ledFor = async (flight: RawScripts, followers: number): Promise<string> => {
    const token = await lead(flight);
    if (followers > 0) await crowd(flight, token, followers);
    return token;
  };
  const settles = (bytes: number) => (flight: RawScripts, token: string) =>
    flight.settle("leader", "nonce00000000", token, { outcome: Buffer.alloc(bytes) });
  const rows: [what: string, us: number][] = [
    ["join: lead", await serverTimeUs(51, () => Promise.resolve(""), lead)],
    ["join: follow", await serverTimeUs(51, lead, (flight) => flight.join("follower", "n"))],
    [
      "join: follow, with 1,000 others",
      await serverTimeUs(
        21,
        (flight) => ledFor(flight, 1_000),
        (flight) => flight.join("follower", "n"),
      ),
    ],
    ["renew", await serverTimeUs(51, lead, (flight, token) => flight.renew(token))],
    [
      "renew, 1,000 followers",
      await serverTimeUs(
        21,
        (flight) => ledFor(flight, 1_000),
        (flight, token) => flight.renew(token),
      ),
    ],
    ["settle, no follower", await serverTimeUs(51, lead, settles(200))],
    [
      "settle, 1,000 followers x 200 B",
      await serverTimeUs(21, (flight) => ledFor(flight, 1_000), settles(200)),
    ],
    [
      "settle, 128 followers x 16 KiB",
      await serverTimeUs(21, (flight) => ledFor(flight, 128), settles(16_384)),
    ],
    [
      "settle, 1,000 followers, pointer to 1 MiB",
      await serverTimeUs(11, (flight) => ledFor(flight, 1_000), settles(1_048_576)),
    ],
    [
      "resign, 1,000 followers",
      await serverTimeUs(
        21,
        (flight) => ledFor(flight, 1_000),
        (flight, token) => flight.resign("leader", "n", token),
      ),
    ],
    [
      "leave, 1,000 others",
      await serverTimeUs(
        21,
        (flight) => ledFor(flight, 1_000),
        (flight) => flight.leave("process1", "nonce00000000"),
      ),
    ],
  ];
  process.stdout.write(`${rows.map(([what, us]) => `${String(us).padStart(7)} us  ${what}`).join("\n")}\n`);
  for (const [, us] of rows) expect(us).toBeGreaterThan(0);
});
